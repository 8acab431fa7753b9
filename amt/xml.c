/* XML written with escapes and read with limits. */
#include "amt/xml.h"

#include <libxml/parserInternals.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define SOAP11	"http://schemas.xmlsoap.org/soap/envelope/"
#define SOAP12	"http://www.w3.org/2003/05/soap-envelope"

void xml_markup(struct writer *w, const char *text)
{
	write_bytes(w, text, strlen(text));
}

void xml_text(struct writer *w, const char *text)
{
	const char *start = text;

	if (!xmlCheckUTF8((const unsigned char *)text))
		w->error = KIT_ERR_FORMAT;
	for (; *text; text++) {
		const char *escape = NULL;

		switch (*text) {
		case '&':
			escape = "&amp;";
			break;
		case '<':
			escape = "&lt;";
			break;
		case '>':
			escape = "&gt;";
			break;
		case '"':
			escape = "&quot;";
			break;
		default:
			if ((unsigned char)*text < 0x20 && *text != '\t')
				w->error = KIT_ERR_FORMAT;
			continue;
		}
		write_bytes(w, start, (size_t)(text - start));
		xml_markup(w, escape);
		start = text + 1;
	}
	write_bytes(w, start, (size_t)(text - start));
}

static void tag(struct writer *w, const char *open, const char *prefix, const char *name)
{
	xml_markup(w, open);
	xml_markup(w, prefix);
	if (*prefix)
		xml_markup(w, ":");
	xml_markup(w, name);
	xml_markup(w, ">");
}

void xml_element(struct writer *w, const char *prefix, const char *name, const char *text)
{
	tag(w, "<", prefix, name);
	xml_text(w, text);
	tag(w, "</", prefix, name);
}

struct field {
	char *name;
	char *value;
};

struct xml_answer {
	char *name;
	struct field fields[XML_MAX_FIELDS];
	size_t count;
	struct field nested[XML_MAX_NESTED];	/* by their paths */
	size_t n_nested;
	bool is_fault;
	char reason[200];
	char code[41];
};

/* What the parser's callbacks share: libxml2 hands them its own context, which carries this. */
struct limits {
	startElementNsSAX2Func start;	/* libxml2's own, which builds the tree */
	unsigned elements;
	const char *broken;		/* the limit that was broken, or NULL */
};

static void stop(xmlParserCtxtPtr x, const char *broken)
{
	struct limits *l = x->_private;

	if (!l->broken)
		l->broken = broken;
	xmlStopParser(x);
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
		     int n_namespaces, const xmlChar **namespaces, int n_attributes,
		     int n_defaulted, const xmlChar **attributes)
{
	xmlParserCtxtPtr x = ctx;
	struct limits *l = x->_private;

	if (x->nodeNr >= XML_MAX_DEPTH) {
		stop(x, "elements are nested too deep");
		return;
	}
	if (++l->elements > XML_MAX_NODES) {
		stop(x, "it has too many elements");
		return;
	}
	l->start(ctx, name, prefix, uri, n_namespaces, namespaces, n_attributes, n_defaulted,
		 attributes);
}

/* Called at "<!DOCTYPE name", before anything inside it is looked at. */
static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *external,
		       const xmlChar *system)
{
	stop(ctx, "it declares a document type");
}

static bool is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

static xmlNode *child(const xmlNode *parent, const char *name)
{
	for (xmlNode *n = parent->children; n; n = n->next)
		if (name ? is(n, name) : n->type == XML_ELEMENT_NODE)
			return n;
	return NULL;
}

static bool in_soap(const xmlNode *n)
{
	const char *uri = n->ns ? (const char *)n->ns->href : "";

	return strcmp(uri, SOAP12) == 0 || strcmp(uri, SOAP11) == 0;
}

/* Text of a leaf, without the blanks around it. NULL: out of memory, or too long (*too_long). */
static char *leaf_text(const xmlNode *n, bool *too_long)
{
	xmlChar *content = xmlNodeGetContent(n);
	const char *from = (const char *)content;
	char *text = NULL;
	size_t size;

	if (!content)
		return strdup("");
	from += strspn(from, " \t\r\n");
	size = strlen(from);
	while (size > 0 && strchr(" \t\r\n", from[size - 1]))
		size--;
	if (size > XML_MAX_VALUE)
		*too_long = true;
	else
		text = strndup(from, size);
	xmlFree(content);
	return text;
}

/* The leaves inside FIELD, in their order; on_start() limits how deep they are. */
static int take_nested(struct xml_answer *a, const xmlNode *field, const char *path,
		       struct fault *fault)
{
	char inner[XML_MAX_PATH + 1];
	int rc = 0;

	for (const xmlNode *n = field->children; n && !rc; n = n->next) {
		struct field *f = &a->nested[a->n_nested];
		bool too_long = false;

		if (n->type != XML_ELEMENT_NODE || a->n_nested == XML_MAX_NESTED ||
		    (size_t)snprintf(inner, sizeof(inner), "%s/%s", path, (const char *)n->name) >=
		    sizeof(inner))
			continue;
		if (child(n, NULL)) {
			rc = take_nested(a, n, inner, fault);
			continue;
		}
		f->value = leaf_text(n, &too_long);
		if (too_long)
			continue;
		f->name = strdup(inner);
		a->n_nested++;
		if (!f->name || !f->value)
			rc = fault_nomem(fault);
	}
	return rc;
}

static int take_fields(struct xml_answer *a, const xmlNode *parent, struct fault *fault)
{
	int rc;

	for (const xmlNode *n = parent->children; n; n = n->next) {
		struct field *f = &a->fields[a->count];
		bool too_long = false;

		if (n->type != XML_ELEMENT_NODE)
			continue;
		if (child(n, NULL)) {
			rc = take_nested(a, n, (const char *)n->name, fault);
			if (rc)
				return rc;
			continue;
		}
		if (a->count == XML_MAX_FIELDS)
			return fault_set(fault, KIT_ERR_PROTOCOL,
					 "the machine's answer has more than %d fields",
					 XML_MAX_FIELDS);
		f->value = leaf_text(n, &too_long);
		if (too_long)
			return fault_set(fault, KIT_ERR_PROTOCOL, "the machine's answer has a "
					 "field of more than %d bytes", XML_MAX_VALUE);
		f->name = strdup((const char *)n->name);
		a->count++;
		if (!f->name || !f->value)
			return fault_nomem(fault);
	}
	return 0;
}

/* The code of a fault, the subcode first: the part behind its prefix, if it is a plain word. */
static void take_code(struct xml_answer *a, const xmlNode *node)
{
	const xmlNode *code = child(node, "Code"), *sub = code ? child(code, "Subcode") : NULL;
	const xmlNode *value = sub ? child(sub, "Value") : code ? child(code, "Value")
			     : child(node, "faultcode");
	bool too_long = false, small = false;
	char *text = value ? leaf_text(value, &too_long) : NULL, *word;
	size_t n;

	if (!text)
		return;
	word = strrchr(text, ':') ? strrchr(text, ':') + 1 : text;
	for (n = 0; (word[n] >= 'a' && word[n] <= 'z') || (word[n] >= 'A' && word[n] <= 'Z'); n++)
		small |= word[n] >= 'a';
	if (!word[n] && small && n < sizeof(a->code))
		strcpy(a->code, word);
	free(text);
}

/* The reason in a fault: SOAP 1.2 has Reason/Text, 1.1 faultstring; else the code will do. */
static void take_reason(struct xml_answer *a, const xmlNode *node)
{
	const xmlNode *n = child(node, "Reason"), *code = child(node, "Code");
	bool too_long = false;
	char *text;

	n = n ? child(n, "Text") : child(node, "faultstring");
	if (!n && code)
		n = child(code, "Subcode") ? child(code, "Subcode") : code;
	a->is_fault = true;
	text_clean(a->reason, sizeof(a->reason), "no reason given");
	text = n ? leaf_text(n, &too_long) : NULL;
	if (text && *text)
		text_clean(a->reason, sizeof(a->reason), text);
	free(text);
}

static int take_envelope(struct xml_answer *a, const xmlNode *root, struct fault *fault)
{
	const xmlNode *body, *first;

	if (!root || !is(root, "Envelope") || !in_soap(root))
		return fault_set(fault, KIT_ERR_PROTOCOL,
				 "the machine's answer is XML, but not a SOAP envelope");
	body = child(root, "Body");
	if (!body || !in_soap(body))
		return fault_set(fault, KIT_ERR_PROTOCOL,
				 "the machine's answer is a SOAP envelope without a body");
	first = child(body, NULL);
	a->name = strdup(first ? (const char *)first->name : "");
	if (!a->name)
		return fault_nomem(fault);
	if (!first)
		return 0;
	if (is(first, "Fault") && in_soap(first)) {
		take_reason(a, first);
		take_code(a, first);
		return 0;
	}
	return take_fields(a, first, fault);
}

/*
 * libxml2 prints what is wrong with an encoding, and some of the bytes, whatever the parser's
 * options: it knows of no parser then. What is wrong is seen by the document's end.
 */
static void say_nothing(void *context, const char *format, ...)
{
}

int xml_answer_read(struct xml_answer **out, const void *data, size_t n, struct fault *fault)
{
	struct limits limits = { .start = NULL };
	struct xml_answer *a = NULL;
	xmlParserCtxtPtr x = NULL;
	xmlDocPtr doc = NULL;
	int rc;

	*out = NULL;
	if (n == 0 || n > INT32_MAX)
		return fault_set(fault, KIT_ERR_PROTOCOL, n ? "the machine's answer is too long"
				 : "the machine's answer is empty");
	xmlSetGenericErrorFunc(NULL, say_nothing);
	a = calloc(1, sizeof(*a));
	x = xmlCreateMemoryParserCtxt(data, (int)n);
	if (!a || !x) {
		rc = fault_nomem(fault);
		goto out;
	}
	/* Never XML_PARSE_NOENT: that would put entities in, the opposite of what it says. */
	xmlCtxtUseOptions(x, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
			  XML_PARSE_NOCDATA);
	limits.start = x->sax->startElementNs;
	x->_private = &limits;
	x->sax->startElementNs = on_start;
	x->sax->internalSubset = on_doctype;
	xmlParseDocument(x);
	doc = x->myDoc;
	if (limits.broken || !x->wellFormed || !doc || doc->intSubset || doc->extSubset) {
		rc = fault_set(fault, KIT_ERR_PROTOCOL, "the machine's answer is refused: %s",
				limits.broken ? limits.broken : "it is not well-formed XML");
		goto out;
	}
	rc = take_envelope(a, xmlDocGetRootElement(doc), fault);
out:
	if (x) {
		doc = x->myDoc;
		xmlFreeParserCtxt(x);
		xmlFreeDoc(doc);
	}
	if (rc)
		xml_answer_free(&a);
	*out = a;
	return rc;
}

void xml_answer_free(struct xml_answer **a)
{
	if (!*a)
		return;
	for (size_t i = 0; i < (*a)->count; i++) {
		free((*a)->fields[i].name);
		free((*a)->fields[i].value);
	}
	for (size_t i = 0; i < (*a)->n_nested; i++) {
		free((*a)->nested[i].name);
		free((*a)->nested[i].value);
	}
	free((*a)->name);
	free(*a);
	*a = NULL;
}

const char *xml_answer_name(const struct xml_answer *a)
{
	return a->name;
}

const char *xml_answer_value(const struct xml_answer *a, const char *name)
{
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->fields[i].name, name) == 0)
			return a->fields[i].value;
	return NULL;
}

size_t xml_answer_count(const struct xml_answer *a)
{
	return a->count;
}

const char *xml_answer_name_at(const struct xml_answer *a, size_t i)
{
	return a->fields[i].name;
}

const char *xml_answer_value_at(const struct xml_answer *a, size_t i)
{
	return a->fields[i].value;
}

const char *xml_answer_nested(const struct xml_answer *a, const char *path, size_t i)
{
	for (size_t k = 0; k < a->n_nested; k++)
		if (strcmp(a->nested[k].name, path) == 0 && i-- == 0)
			return a->nested[k].value;
	return NULL;
}

bool xml_answer_has(const struct xml_answer *a, const char *path)
{
	size_t n = strlen(path);

	for (size_t k = 0; k < a->n_nested; k++)
		if (strncmp(a->nested[k].name, path, n) == 0 && a->nested[k].name[n] == '/')
			return true;
	return false;
}

int xml_answer_number(const struct xml_answer *a, const char *name, uint32_t *out)
{
	const char *text = xml_answer_value(a, name);
	uint64_t v = 0;

	if (!text)
		return KIT_ERR_NOT_FOUND;
	if (!*text || strlen(text) > 10)
		return KIT_ERR_FORMAT;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return KIT_ERR_FORMAT;
		v = v * 10 + (uint64_t)(*text - '0');
	}
	if (v > UINT32_MAX)
		return KIT_ERR_FORMAT;
	*out = (uint32_t)v;
	return 0;
}

bool xml_answer_is_fault(const struct xml_answer *a, const char **reason)
{
	if (a->is_fault && reason)
		*reason = a->reason;
	return a->is_fault;
}

const char *xml_answer_fault_code(const struct xml_answer *a)
{
	return a->code;
}
