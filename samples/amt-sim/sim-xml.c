/* The XML of both protocols: requests taken apart, answers put together, on libxml2. */
#include "samples/amt-sim/sim-xml.h"

#include <libxml/parser.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/secret.h"

bool sim_xml_is(const xmlNode *node, const char *name, const char *name_space)
{
	return node && node->ns && strcmp((const char *)node->name, name) == 0 &&
	       strcmp((const char *)node->ns->href, name_space) == 0;
}

const xmlNode *sim_xml_child(const xmlNode *parent, const char *name)
{
	const xmlNode *n = !parent ? NULL : parent->children;

	while (n && (n->type != XML_ELEMENT_NODE ||
			     (name && strcmp((const char *)n->name, name) != 0)))
		n = n->next;
	return n;
}

const char *sim_xml_text(const xmlNode *node)
{
	if (!node)
		return NULL;
	if (!node->children)
		return "";
	if (node->children->type != XML_TEXT_NODE || node->children->next)
		return NULL;
	return (const char *)node->children->content;
}

const char *sim_xml_child_text(const xmlNode *parent, const char *name)
{
	return sim_xml_text(sim_xml_child(parent, name));
}

int sim_xml_request_parse(struct sim_xml_request *q, const char *data, size_t size,
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
	if (!sim_xml_is(envelope, "Envelope", name_space))
		return KIT_ERR_FORMAT;
	q->header = sim_xml_child(envelope, "Header");
	body = sim_xml_child(envelope, "Body");
	if (!sim_xml_is(body, "Body", name_space) ||
	    (q->header && !sim_xml_is(q->header, "Header", name_space)))
		return KIT_ERR_FORMAT;
	q->call = sim_xml_child(body, NULL);
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

void sim_xml_request_clear(struct sim_xml_request *q)
{
	if (q->doc) {
		wipe_texts(q->doc->children);
		xmlFreeDoc(q->doc);
	}
	memset(q, 0, sizeof(*q));
}

int sim_xml_answer_begin(struct sim_xml_answer *a)
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

void sim_xml_open(struct sim_xml_answer *a, const char *name)
{
	xmlTextWriterStartElement(a->writer, BAD_CAST name);
}

void sim_xml_attribute(struct sim_xml_answer *a, const char *name, const char *value)
{
	xmlTextWriterWriteAttribute(a->writer, BAD_CAST name, BAD_CAST value);
}

void sim_xml_close(struct sim_xml_answer *a)
{
	xmlTextWriterFullEndElement(a->writer);
}

void sim_xml_element(struct sim_xml_answer *a, const char *name, const char *value)
{
	sim_xml_open(a, name);
	xmlTextWriterWriteString(a->writer, BAD_CAST value);
	sim_xml_close(a);
}

void sim_xml_number(struct sim_xml_answer *a, const char *name, unsigned long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", value);
	sim_xml_element(a, name, text);
}

const char *sim_xml_answer_end(struct sim_xml_answer *a, size_t *size)
{
	xmlTextWriterEndDocument(a->writer);
	xmlTextWriterFlush(a->writer);
	*size = (size_t)xmlBufferLength(a->buffer);
	return (const char *)xmlBufferContent(a->buffer);
}

void sim_xml_answer_clear(struct sim_xml_answer *a)
{
	if (a->writer)
		xmlFreeTextWriter(a->writer);
	if (a->buffer)
		xmlBufferFree(a->buffer);
	a->writer = NULL;
	a->buffer = NULL;
}
