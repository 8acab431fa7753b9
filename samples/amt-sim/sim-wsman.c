/* WS-Management as a device answers it: envelopes, actions and faults around the classes. */
#include "samples/amt-sim/sim-wsman.h"

#include <stdio.h>
#include <string.h>

#include "samples/amt-sim/sim-class.h"

#define ACTION_MAX	256

/* What a request says about itself in its header. */
struct request {
	struct xml_request xml;
	const char *action;
	const char *resource;		/* URI */
	const char *message_id;
	const char *instance;		/* selector InstanceID, or NULL */
	const struct class *class;
};

static void open_envelope(struct xml_answer *a, const struct request *q, const char *action)
{
	xml_open(a, "a:Envelope");
	xml_attribute(a, "xmlns:a", XML_SOAP12);
	xml_attribute(a, "xmlns:b", WSMAN_ADDRESSING);
	xml_attribute(a, "xmlns:c", WSMAN_MANAGEMENT);
	xml_attribute(a, "xmlns:d", WSMAN_TRANSFER);
	xml_attribute(a, "xmlns:e", WSMAN_ENUMERATION);
	if (q->class)
		xml_attribute(a, "xmlns:g", q->resource);
	xml_open(a, "a:Header");
	xml_element(a, "b:To", WSMAN_ADDRESSING "/role/anonymous");
	if (q->message_id)
		xml_element(a, "b:RelatesTo", q->message_id);
	xml_element(a, "b:Action", action);
	if (q->class)
		xml_element(a, "c:ResourceURI", q->resource);
	xml_close(a);
	xml_open(a, "a:Body");
}

static void close_envelope(struct xml_answer *a)
{
	xml_close(a);
	xml_close(a);
}

/* CODE is Sender or Receiver, SUBCODE says it to programs, TEXT to people. */
static unsigned answer_fault(struct xml_answer *a, const struct request *q, const char *subcode,
		     const char *text)
{
	open_envelope(a, q, WSMAN_ADDRESSING "/fault");
	xml_open(a, "a:Fault");
	xml_open(a, "a:Code");
	xml_element(a, "a:Value", "a:Sender");
	xml_open(a, "a:Subcode");
	xml_element(a, "a:Value", subcode);
	xml_close(a);
	xml_close(a);
	xml_open(a, "a:Reason");
	xml_open(a, "a:Text");
	xml_attribute(a, "xml:lang", "en-US");
	xmlTextWriterWriteString(a->writer, BAD_CAST text);
	xml_close(a);
	xml_close(a);
	xml_close(a);
	close_envelope(a);
	return 400;
}

static unsigned answer_call(struct device *d, const struct habits *habits,
			    const struct request *q, const char *method, unsigned *status,
			    struct xml_answer *a)
{
	char action[ACTION_MAX], name[CALL_NAME + sizeof "g:_OUTPUT"], input[CALL_NAME + 8];
	const struct class_method *m = class_method(q->class, method);

	if (!m)
		return answer_fault(a, q, "b:ActionNotSupported",
				    "The class does not have this method.");
	snprintf(input, sizeof(input), "%s_INPUT", method);
	if (!xml_is(q->xml.call, input, q->resource))
		return answer_fault(a, q, "c:SchemaValidationError",
				    "The body is not the method's input.");
	snprintf(action, sizeof(action), "%sResponse", q->action);
	open_envelope(a, q, action);
	snprintf(name, sizeof(name), "g:%s_OUTPUT", method);
	xml_open(a, name);
	if (!habits_refuse(habits, method, status))
		*status = m->run(d, habits, q->xml.call, a);
	xml_number(a, "g:ReturnValue", *status);
	xml_close(a);
	close_envelope(a);
	return 200;
}

static unsigned answer_get(const struct device *d, const struct habits *habits,
			   const struct request *q, struct xml_answer *a)
{
	if (!class_has(q->class, q->instance))
		return answer_fault(a, q, "b:DestinationUnreachable",
				    "No such instance of the class.");
	open_envelope(a, q, WSMAN_TRANSFER "/GetResponse");
	q->class->write(d, habits, q->instance, a);
	close_envelope(a);
	return 200;
}

static unsigned answer_put(struct device *d, const struct habits *habits,
			   const struct request *q, unsigned *status, struct xml_answer *a)
{
	if (!q->class->put)
		return answer_fault(a, q, "b:ActionNotSupported", "The class cannot be written.");
	if (!xml_is(q->xml.call, q->class->name, q->resource))
		return answer_fault(a, q, "c:SchemaValidationError",
				    "The body is not the class's instance.");
	if (!habits_refuse(habits, q->class->name, status))
		*status = q->class->put(d, q->xml.call);
	if (*status != 0)
		return answer_fault(a, q, "d:InvalidRepresentation", "A value was refused.");
	open_envelope(a, q, WSMAN_TRANSFER "/PutResponse");
	q->class->write(d, habits, NULL, a);
	close_envelope(a);
	return 200;
}

/* The context that Enumerate gives and Pull brings back names the class; all items come at once. */
static unsigned answer_enumerate(const struct request *q, struct xml_answer *a)
{
	open_envelope(a, q, WSMAN_ENUMERATION "/EnumerateResponse");
	xml_open(a, "e:EnumerateResponse");
	xml_element(a, "e:EnumerationContext", q->class->name);
	xml_close(a);
	close_envelope(a);
	return 200;
}

static unsigned answer_pull(const struct device *d, const struct habits *habits,
			    const struct request *q, struct xml_answer *a)
{
	const char *context = xml_child_text(q->xml.call, "EnumerationContext");

	if (!context || strcmp(context, q->class->name) != 0)
		return answer_fault(a, q, "e:InvalidEnumerationContext",
				    "The context is not known.");
	open_envelope(a, q, WSMAN_ENUMERATION "/PullResponse");
	xml_open(a, "e:PullResponse");
	xml_open(a, "e:Items");
	if (!q->class->instances)
		q->class->write(d, habits, NULL, a);
	for (size_t i = 0; q->class->instances && q->class->instances[i]; i++)
		q->class->write(d, habits, q->class->instances[i], a);
	xml_close(a);
	xml_element(a, "e:EndOfSequence", "");
	xml_close(a);
	close_envelope(a);
	return 200;
}

static unsigned answer_identify(const struct device *d, const struct request *q,
				struct xml_answer *a)
{
	char version[32];

	snprintf(version, sizeof(version), "AMT %u.%u", d->firmware.major, d->firmware.minor);
	open_envelope(a, q, WSMAN_IDENTITY "/IdentifyResponse");
	xml_open(a, "f:IdentifyResponse");
	xml_attribute(a, "xmlns:f", WSMAN_IDENTITY);
	xml_element(a, "f:ProtocolVersion", WSMAN_MANAGEMENT);
	xml_element(a, "f:ProductVendor", "Intel(R)");
	xml_element(a, "f:ProductVersion", version);
	xml_close(a);
	close_envelope(a);
	return 200;
}

/* The selector InstanceID of the header, or NULL. */
static const char *instance_of(const xmlNode *header)
{
	const xmlNode *selector = xml_child(xml_child(header, "SelectorSet"), "Selector");
	const xmlAttr *name = !selector ? NULL : selector->properties;

	if (!name || strcmp((const char *)name->name, "Name") != 0 ||
	    !name->children || !name->children->content ||
	    strcmp((const char *)name->children->content, "InstanceID") != 0)
		return NULL;
	return xml_text(selector);
}

static unsigned dispatch(struct device *d, const struct habits *habits, struct request *q,
			 char *call, unsigned *status, struct xml_answer *a)
{
	size_t uri;

	if (xml_is(q->xml.call, "Identify", WSMAN_IDENTITY)) {
		strcpy(call, "Identify");
		return answer_identify(d, q, a);
	}
	if (!q->action || !q->resource)
		return answer_fault(a, q, "c:InvalidMessageInformationHeader",
			    "Action or ResourceURI is missing.");
	q->class = class_find(q->resource);
	if (!q->class)
		return answer_fault(a, q, "b:DestinationUnreachable", "The class is not known.");
	snprintf(call, CALL_NAME, "%s", q->class->name);
	if (strcmp(q->action, WSMAN_TRANSFER "/Get") == 0)
		return answer_get(d, habits, q, a);
	if (strcmp(q->action, WSMAN_TRANSFER "/Put") == 0)
		return answer_put(d, habits, q, status, a);
	if (strcmp(q->action, WSMAN_ENUMERATION "/Enumerate") == 0)
		return answer_enumerate(q, a);
	if (strcmp(q->action, WSMAN_ENUMERATION "/Pull") == 0)
		return answer_pull(d, habits, q, a);
	uri = strlen(q->resource);
	if (strncmp(q->action, q->resource, uri) != 0 || q->action[uri] != '/' ||
	    strlen(q->action + uri + 1) >= CALL_NAME || strlen(q->action) > ACTION_MAX - 9)
		return answer_fault(a, q, "b:ActionNotSupported", "The action is not known.");
	snprintf(call, CALL_NAME, "%s", q->action + uri + 1);
	return answer_call(d, habits, q, q->action + uri + 1, status, a);
}

unsigned wsman_answer(struct device *d, const struct habits *habits, const char *data,
		      size_t size, char *call, unsigned *status, struct xml_answer *a)
{
	struct request q = { .action = NULL };
	unsigned http;

	*status = 0;
	strcpy(call, CALL_UNKNOWN);
	if (xml_request_parse(&q.xml, data, size, XML_SOAP12) < 0) {
		http = answer_fault(a, &q, "c:SchemaValidationError",
				    "This is no SOAP 1.2 envelope.");
	} else {
		q.action = xml_child_text(q.xml.header, "Action");
		q.resource = xml_child_text(q.xml.header, "ResourceURI");
		q.message_id = xml_child_text(q.xml.header, "MessageID");
		q.instance = instance_of(q.xml.header);
		http = dispatch(d, habits, &q, call, status, a);
	}
	xml_request_clear(&q.xml);
	return http;
}
