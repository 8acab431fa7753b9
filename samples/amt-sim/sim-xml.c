/* The XML of both protocols: requests taken apart, answers put together, on libxml2. */
#include "samples/amt-sim/sim-xml.h"

#include <libxml/parser.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/secret.h"

bool xml_is(const xmlNode *node, const char *name, const char *name_space)
{
	return node && node->ns && strcmp((const char *)node->name, name) == 0 &&
	       strcmp((const char *)node->ns->href, name_space) == 0;
}

const xmlNode *xml_child(const xmlNode *parent, const char *name)
{
	const xmlNode *n = !parent ? NULL : parent->children;

	while (n && (n->type != XML_ELEMENT_NODE ||
			     (name && strcmp((const char *)n->name, name) != 0)))
		n = n->next;
	return n;
}

const char *xml_text(const xmlNode *node)
{
	if (!node)
		return NULL;
	if (!node->children)
		return "";
	if (node->children->type != XML_TEXT_NODE || node->children->next)
		return NULL;
	return (const char *)node->children->content;
}

const char *xml_child_text(const xmlNode *parent, const char *name)
{
	return xml_text(xml_child(parent, name));
}

int xml_request_parse(struct xml_request *q, const char *data, size_t size,
		      const char *name_space)
{
	const xmlNode *envelope, *body;

	memset(q, 0, sizeof(*q));
	q->doc = xmlReadMemory(data, (int)size, NULL, NULL,
			       XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
			       XML_PARSE_NOCDATA);
	if (!q->doc || q->doc->intSubset)
		return KIT_ERR_FORMAT;
	envelope = xmlDocGetRootElement(q->doc);
	if (!xml_is(envelope, "Envelope", name_space))
		return KIT_ERR_FORMAT;
	q->header = xml_child(envelope, "Header");
	body = xml_child(envelope, "Body");
	if (!xml_is(body, "Body", name_space) ||
	    (q->header && !xml_is(q->header, "Header", name_space)))
		return KIT_ERR_FORMAT;
	q->call = xml_child(body, NULL);
	return 0;
}

static void wipe_texts(xmlNode *first)
{
	for (xmlNode *n = first; n; n = n->next) {
		if (n->type == XML_TEXT_NODE && n->content)
			secret_wipe(n->content, strlen((const char *)n->content));
		else if (n->type == XML_ELEMENT_NODE)
			wipe_texts(n->children);
	}
}

void xml_request_clear(struct xml_request *q)
{
	if (q->doc) {
		wipe_texts(q->doc->children);
		xmlFreeDoc(q->doc);
	}
	memset(q, 0, sizeof(*q));
}

int xml_answer_begin(struct xml_answer *a)
{
	a->writer = NULL;
	a->buffer = xmlBufferCreate();
	if (a->buffer)
		a->writer = xmlNewTextWriterMemory(a->buffer, 0);
	if (!a->writer)
		return KIT_ERR_NOMEM;
	xmlTextWriterStartDocument(a->writer, NULL, "UTF-8", NULL);
	return 0;
}

void xml_open(struct xml_answer *a, const char *name)
{
	xmlTextWriterStartElement(a->writer, BAD_CAST name);
}

void xml_attribute(struct xml_answer *a, const char *name, const char *value)
{
	xmlTextWriterWriteAttribute(a->writer, BAD_CAST name, BAD_CAST value);
}

void xml_close(struct xml_answer *a)
{
	xmlTextWriterFullEndElement(a->writer);
}

void xml_element(struct xml_answer *a, const char *name, const char *value)
{
	xml_open(a, name);
	xmlTextWriterWriteString(a->writer, BAD_CAST value);
	xml_close(a);
}

void xml_number(struct xml_answer *a, const char *name, unsigned long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", value);
	xml_element(a, name, text);
}

const char *xml_answer_end(struct xml_answer *a, size_t *size)
{
	xmlTextWriterEndDocument(a->writer);
	xmlTextWriterFlush(a->writer);
	*size = (size_t)xmlBufferLength(a->buffer);
	return (const char *)xmlBufferContent(a->buffer);
}

void xml_answer_clear(struct xml_answer *a)
{
	if (a->writer)
		xmlFreeTextWriter(a->writer);
	if (a->buffer)
		xmlBufferFree(a->buffer);
	a->writer = NULL;
	a->buffer = NULL;
}
