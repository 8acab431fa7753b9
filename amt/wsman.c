/* WS-Management requests as Intel AMT takes them. */
#include "amt/wsman.h"

#include <stdio.h>
#include <string.h>

#include "amt/xml.h"

#define ADDRESSING	"http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define TRANSFER	"http://schemas.xmlsoap.org/ws/2004/09/transfer/"
#define ENUMERATION	"http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define AMT_SCHEMA	"http://intel.com/wbem/wscim/1/amt-schema/1/"
#define CIM_SCHEMA	"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"

static void class_uri(struct writer *w, const char *class_name)
{
	xml_markup(w, strncmp(class_name, "CIM_", 4) == 0 ? CIM_SCHEMA : AMT_SCHEMA);
	xml_markup(w, class_name);
}

static void resource_uri(struct writer *w, const struct wsman_request *q)
{
	class_uri(w, q->class_name);
}

static void selector(struct writer *w, const char *name, const char *value)
{
	xml_markup(w, "<w:SelectorSet><w:Selector Name=\"");
	xml_text(w, name);
	xml_markup(w, "\">");
	xml_text(w, value);
	xml_markup(w, "</w:Selector></w:SelectorSet>");
}

static const char *const actions[] = {
	[WSMAN_GET] = TRANSFER "Get", [WSMAN_PUT] = TRANSFER "Put",
	[WSMAN_CREATE] = TRANSFER "Create", [WSMAN_ENUMERATE] = ENUMERATION "/Enumerate",
	[WSMAN_PULL] = ENUMERATION "/Pull",
};

static void header(struct writer *w, const struct wsman_request *q, unsigned message_id)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", message_id);
	xml_markup(w, "<s:Header><a:Action>");
	if (q->verb == WSMAN_CALL) {
		resource_uri(w, q);
		xml_markup(w, "/");
		xml_markup(w, q->method);
	} else {
		xml_markup(w, actions[q->verb]);
	}
	xml_markup(w, "</a:Action>");
	xml_element(w, "a", "To", WSMAN_PATH);
	xml_markup(w, "<w:ResourceURI>");
	resource_uri(w, q);
	xml_markup(w, "</w:ResourceURI>");
	xml_element(w, "a", "MessageID", id);
	xml_markup(w, "<a:ReplyTo>");
	xml_element(w, "a", "Address", ADDRESSING "/role/anonymous");
	xml_markup(w, "</a:ReplyTo>");
	xml_element(w, "w", "OperationTimeout", "PT60S");
	if (q->instance)
		selector(w, "InstanceID", q->instance);
	xml_markup(w, "</s:Header>");
}

static void body_name(struct writer *w, const struct wsman_request *q)
{
	if (q->verb == WSMAN_CALL) {
		xml_markup(w, q->method);
		xml_markup(w, "_INPUT");
	} else {
		xml_markup(w, q->class_name);
	}
}

static void field(struct writer *w, const struct wsman_field *f)
{
	if (!f->class_name) {
		xml_element(w, "r", f->name, f->value);
		return;
	}
	xml_markup(w, "<r:");
	xml_markup(w, f->name);
	xml_markup(w, "><a:Address>" WSMAN_PATH "</a:Address><a:ReferenceParameters>"
		   "<w:ResourceURI>");
	class_uri(w, f->class_name);
	xml_markup(w, "</w:ResourceURI>");
	selector(w, f->selector, f->value);
	xml_markup(w, "</a:ReferenceParameters></r:");
	xml_markup(w, f->name);
	xml_markup(w, ">");
}

/* All items at once, as far as the machine can. */
static void enumeration(struct writer *w, const struct wsman_request *q)
{
	const char *name = q->verb == WSMAN_PULL ? "Pull" : "Enumerate";

	xml_markup(w, "<s:Body><r:");
	xml_markup(w, name);
	xml_markup(w, " xmlns:r=\"" ENUMERATION "\">");
	if (q->verb == WSMAN_PULL) {
		for (size_t i = 0; i < q->n_fields; i++)
			field(w, &q->fields[i]);
		xml_markup(w, "<r:MaxElements>999</r:MaxElements>"
			   "<r:MaxCharacters>32768</r:MaxCharacters>");
	}
	xml_markup(w, "</r:");
	xml_markup(w, name);
	xml_markup(w, "></s:Body>");
}

static void body(struct writer *w, const struct wsman_request *q)
{
	if (q->verb == WSMAN_GET) {
		xml_markup(w, "<s:Body/>");
		return;
	}
	if (q->verb == WSMAN_ENUMERATE || q->verb == WSMAN_PULL) {
		enumeration(w, q);
		return;
	}
	xml_markup(w, "<s:Body><r:");
	body_name(w, q);
	xml_markup(w, " xmlns:r=\"");
	resource_uri(w, q);
	xml_markup(w, "\">");
	for (size_t i = 0; i < q->n_fields; i++)
		field(w, &q->fields[i]);
	xml_markup(w, "</r:");
	body_name(w, q);
	xml_markup(w, "></s:Body>");
}

int wsman_write(const struct wsman_request *q, unsigned message_id, struct writer *out)
{
	xml_markup(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
		   "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\""
		   " xmlns:a=\"" ADDRESSING "\""
		   " xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\">");
	header(out, q, message_id);
	body(out, q);
	xml_markup(out, "</s:Envelope>");
	return out->error;
}
