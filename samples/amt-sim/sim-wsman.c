/* WS-Management as a device answers it: envelopes, actions and faults around the classes. */
#include "samples/amt-sim/sim-wsman.h"

#include <stdio.h>
#include <string.h>

#include "samples/amt-sim/sim-class.h"

#define ACTION_MAX	256

/* What a request says about itself in its header. */
struct wsman_call {
	struct sim_xml_request xml;
	const char *action;
	const char *resource;		/* URI */
	const char *message_id;
	const char *instance;		/* selector InstanceID, or NULL */
	const struct sim_class *class;
};

static void open_envelope(struct sim_xml_answer *a, const struct wsman_call *q, const char *action)
{
	sim_xml_open(a, "a:Envelope");
	sim_xml_attribute(a, "xmlns:a", SIM_XML_SOAP12);
	sim_xml_attribute(a, "xmlns:b", SIM_WSMAN_ADDRESSING);
	sim_xml_attribute(a, "xmlns:c", SIM_WSMAN_MANAGEMENT);
	sim_xml_attribute(a, "xmlns:d", SIM_WSMAN_TRANSFER);
	sim_xml_attribute(a, "xmlns:e", SIM_WSMAN_ENUMERATION);
	if (q->class)
		sim_xml_attribute(a, "xmlns:g", q->resource);
	sim_xml_open(a, "a:Header");
	sim_xml_element(a, "b:To", SIM_WSMAN_ADDRESSING "/role/anonymous");
	if (q->message_id)
		sim_xml_element(a, "b:RelatesTo", q->message_id);
	sim_xml_element(a, "b:Action", action);
	if (q->class)
		sim_xml_element(a, "c:ResourceURI", q->resource);
	sim_xml_close(a);
	sim_xml_open(a, "a:Body");
}

static void close_envelope(struct sim_xml_answer *a)
{
	sim_xml_close(a);
	sim_xml_close(a);
}

/* CODE is Sender or Receiver, SUBCODE says it to programs, TEXT to people. */
static unsigned answer_fault(struct sim_xml_answer *a, const struct wsman_call *q,
			     const char *subcode, const char *text)
{
	open_envelope(a, q, SIM_WSMAN_ADDRESSING "/fault");
	sim_xml_open(a, "a:Fault");
	sim_xml_open(a, "a:Code");
	sim_xml_element(a, "a:Value", "a:Sender");
	sim_xml_open(a, "a:Subcode");
	sim_xml_element(a, "a:Value", subcode);
	sim_xml_close(a);
	sim_xml_close(a);
	sim_xml_open(a, "a:Reason");
	sim_xml_open(a, "a:Text");
	sim_xml_attribute(a, "xml:lang", "en-US");
	xmlTextWriterWriteString(a->writer, BAD_CAST text);
	sim_xml_close(a);
	sim_xml_close(a);
	sim_xml_close(a);
	close_envelope(a);
	return 400;
}

static unsigned answer_call(struct sim_device *d, const struct sim_habits *habits,
			    const struct wsman_call *q, const char *method, unsigned *status,
			    struct sim_xml_answer *a)
{
	char action[ACTION_MAX], name[SIM_CALL_NAME + sizeof("g:_OUTPUT")];
	char input[SIM_CALL_NAME + sizeof("_INPUT")];
	const struct sim_class_method *m = sim_class_method(q->class, method);

	if (!m)
		return answer_fault(a, q, "b:ActionNotSupported",
				    "The class does not have this method.");
	snprintf(input, sizeof(input), "%s_INPUT", method);
	if (!sim_xml_is(q->xml.call, input, q->resource))
		return answer_fault(a, q, "c:SchemaValidationError",
				    "The body is not the method's input.");
	if (strcmp(method, "GenerateKeyPair") == 0 && d->key_tries++ < habits->not_ready)
		return answer_fault(a, q, "b:EndpointUnavailable", "Not ready.");
	snprintf(action, sizeof(action), "%sResponse", q->action);
	open_envelope(a, q, action);
	snprintf(name, sizeof(name), "g:%s_OUTPUT", method);
	sim_xml_open(a, name);
	if (!sim_habits_refuse(habits, d, method, status))
		*status = m->run(d, habits, q->xml.call, a);
	sim_xml_number(a, "g:ReturnValue", *status);
	sim_xml_close(a);
	close_envelope(a);
	return 200;
}

static unsigned answer_get(const struct sim_device *d, const struct sim_habits *habits,
			   const struct wsman_call *q, struct sim_xml_answer *a)
{
	if (!sim_class_has(q->class, d, q->instance))
		return answer_fault(a, q, "b:DestinationUnreachable",
				    "No such instance of the class.");
	open_envelope(a, q, SIM_WSMAN_TRANSFER "/GetResponse");
	q->class->write(d, habits, q->instance, a);
	close_envelope(a);
	return 200;
}

static unsigned answer_put(struct sim_device *d, const struct sim_habits *habits,
			   const struct wsman_call *q, unsigned *status, struct sim_xml_answer *a)
{
	if (!q->class->put)
		return answer_fault(a, q, "b:ActionNotSupported", "The class cannot be written.");
	if (!sim_xml_is(q->xml.call, q->class->name, q->resource))
		return answer_fault(a, q, "c:SchemaValidationError",
				    "The body is not the class's instance.");
	if (!sim_habits_refuse(habits, d, q->class->name, status))
		*status = q->class->put(d, q->xml.call);
	if (*status != 0)
		return answer_fault(a, q, "d:InvalidRepresentation", "A value was refused.");
	open_envelope(a, q, SIM_WSMAN_TRANSFER "/PutResponse");
	q->class->write(d, habits, sim_xml_child_text(q->xml.call, "InstanceID"), a);
	close_envelope(a);
	return 200;
}

static unsigned answer_create(struct sim_device *d, const struct sim_habits *habits,
			      const struct wsman_call *q, unsigned *status,
			      struct sim_xml_answer *a)
{
	if (!q->class->create)
		return answer_fault(a, q, "b:ActionNotSupported", "The class cannot be created.");
	if (!sim_xml_is(q->xml.call, q->class->name, q->resource))
		return answer_fault(a, q, "c:SchemaValidationError",
				    "The body is not the class's instance.");
	if (!sim_habits_refuse(habits, d, q->class->name, status))
		*status = q->class->create(d, q->xml.call);
	if (*status != 0)
		return answer_fault(a, q, "d:InvalidRepresentation", "A value was refused.");
	open_envelope(a, q, SIM_WSMAN_TRANSFER "/CreateResponse");
	sim_xml_open(a, "d:ResourceCreated");
	sim_xml_element(a, "b:Address", SIM_WSMAN_ADDRESSING "/role/anonymous");
	sim_xml_open(a, "b:ReferenceParameters");
	sim_xml_element(a, "c:ResourceURI", q->resource);
	sim_xml_close(a);
	sim_xml_close(a);
	close_envelope(a);
	return 200;
}

/* The context that Enumerate gives and Pull brings back names the class; all items come at once. */
static unsigned answer_enumerate(const struct wsman_call *q, struct sim_xml_answer *a)
{
	open_envelope(a, q, SIM_WSMAN_ENUMERATION "/EnumerateResponse");
	sim_xml_open(a, "e:EnumerateResponse");
	sim_xml_element(a, "e:EnumerationContext", q->class->name);
	sim_xml_close(a);
	close_envelope(a);
	return 200;
}

static unsigned answer_pull(const struct sim_device *d, const struct sim_habits *habits,
			    const struct wsman_call *q, struct sim_xml_answer *a)
{
	const char *context = sim_xml_child_text(q->xml.call, "EnumerationContext");

	if (!context || strcmp(context, q->class->name) != 0)
		return answer_fault(a, q, "e:InvalidEnumerationContext",
				    "The context is not known.");
	open_envelope(a, q, SIM_WSMAN_ENUMERATION "/PullResponse");
	sim_xml_open(a, "e:PullResponse");
	sim_xml_open(a, "e:Items");
	if (!q->class->instances && sim_class_has(q->class, d, NULL))
		q->class->write(d, habits, NULL, a);
	for (size_t i = 0; q->class->instances && q->class->instances[i]; i++)
		if (sim_class_has(q->class, d, q->class->instances[i]))
			q->class->write(d, habits, q->class->instances[i], a);
	sim_xml_close(a);
	sim_xml_element(a, "e:EndOfSequence", "");
	sim_xml_close(a);
	close_envelope(a);
	return 200;
}

static unsigned answer_identify(const struct sim_device *d, const struct wsman_call *q,
				struct sim_xml_answer *a)
{
	char version[32];

	snprintf(version, sizeof(version), "AMT %u.%u", d->firmware.major, d->firmware.minor);
	open_envelope(a, q, SIM_WSMAN_IDENTITY "/IdentifyResponse");
	sim_xml_open(a, "f:IdentifyResponse");
	sim_xml_attribute(a, "xmlns:f", SIM_WSMAN_IDENTITY);
	sim_xml_element(a, "f:ProtocolVersion", SIM_WSMAN_MANAGEMENT);
	sim_xml_element(a, "f:ProductVendor", "Intel(R)");
	sim_xml_element(a, "f:ProductVersion", version);
	sim_xml_close(a);
	close_envelope(a);
	return 200;
}

/* The selector InstanceID of the header, or NULL. */
static const char *instance_of(const xmlNode *header)
{
	const xmlNode *selector = sim_xml_child(sim_xml_child(header, "SelectorSet"), "Selector");
	const xmlAttr *name = !selector ? NULL : selector->properties;

	if (!name || strcmp((const char *)name->name, "Name") != 0 ||
	    !name->children || !name->children->content ||
	    strcmp((const char *)name->children->content, "InstanceID") != 0)
		return NULL;
	return sim_xml_text(selector);
}

static unsigned dispatch(struct sim_device *d, const struct sim_habits *habits,
			 struct wsman_call *q, char *call, unsigned *status,
			 struct sim_xml_answer *a)
{
	size_t uri;

	if (sim_xml_is(q->xml.call, "Identify", SIM_WSMAN_IDENTITY)) {
		strcpy(call, "Identify");
		return answer_identify(d, q, a);
	}
	if (!q->action || !q->resource)
		return answer_fault(a, q, "c:InvalidMessageInformationHeader",
			    "Action or ResourceURI is missing.");
	q->class = sim_class_find(q->resource);
	if (!q->class)
		return answer_fault(a, q, "b:DestinationUnreachable", "The class is not known.");
	snprintf(call, SIM_CALL_NAME, "%s", q->class->name);
	if (strcmp(q->action, SIM_WSMAN_TRANSFER "/Get") == 0)
		return answer_get(d, habits, q, a);
	if (strcmp(q->action, SIM_WSMAN_TRANSFER "/Put") == 0)
		return answer_put(d, habits, q, status, a);
	if (strcmp(q->action, SIM_WSMAN_TRANSFER "/Create") == 0)
		return answer_create(d, habits, q, status, a);
	if (strcmp(q->action, SIM_WSMAN_ENUMERATION "/Enumerate") == 0)
		return answer_enumerate(q, a);
	if (strcmp(q->action, SIM_WSMAN_ENUMERATION "/Pull") == 0)
		return answer_pull(d, habits, q, a);
	uri = strlen(q->resource);
	if (strncmp(q->action, q->resource, uri) != 0 || q->action[uri] != '/' ||
	    strlen(q->action + uri + 1) >= SIM_CALL_NAME || strlen(q->action) > ACTION_MAX - 9)
		return answer_fault(a, q, "b:ActionNotSupported", "The action is not known.");
	snprintf(call, SIM_CALL_NAME, "%s", q->action + uri + 1);
	return answer_call(d, habits, q, q->action + uri + 1, status, a);
}

unsigned sim_wsman_answer(struct sim_device *d, const struct sim_habits *habits, const char *data,
			  size_t size, char *call, unsigned *status, struct sim_xml_answer *a)
{
	struct wsman_call q = { .action = NULL };
	unsigned http;

	*status = 0;
	strcpy(call, SIM_CALL_UNKNOWN);
	if (sim_xml_request_parse(&q.xml, data, size, SIM_XML_SOAP12) < 0) {
		http = answer_fault(a, &q, "c:SchemaValidationError",
				    "This is not a SOAP 1.2 envelope.");
	} else {
		q.action = sim_xml_child_text(q.xml.header, "Action");
		q.resource = sim_xml_child_text(q.xml.header, "ResourceURI");
		q.message_id = sim_xml_child_text(q.xml.header, "MessageID");
		q.instance = instance_of(q.xml.header);
		http = dispatch(d, habits, &q, call, status, a);
	}
	sim_xml_request_clear(&q.xml);
	return http;
}
