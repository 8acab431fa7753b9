/* Requests as XML, byte for byte; answers taken apart, and refused when they are too much. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "amt/soap.h"
#include "amt/wsman.h"
#include "amt/xml.h"
#include "tests/support/suite.h"

#define SOAP12 "http://www.w3.org/2003/05/soap-envelope"
#define SOAP11 "http://schemas.xmlsoap.org/soap/envelope/"

static struct fault fault;
static struct xml_answer *answer;

static void setup(void)
{
	fault_clear(&fault);
	answer = NULL;
}

static void teardown(void)
{
	xml_answer_free(&answer);
}

static int take(const char *text)
{
	xml_answer_free(&answer);
	fault_clear(&fault);
	return xml_answer_read(&answer, text, strlen(text), &fault);
}

START_TEST(a_get_is_written_byte_for_byte)
{
	const struct wsman_request q = { .verb = WSMAN_GET, .class_name = "CIM_SoftwareIdentity",
					 .instance = "AMT" };
	static const char want[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"" SOAP12 "\" "
		"xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
		"xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><s:Header>"
		"<a:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</a:Action>"
		"<a:To>/wsman</a:To><w:ResourceURI>http://schemas.dmtf.org/wbem/wscim/1/"
		"cim-schema/2/CIM_SoftwareIdentity</w:ResourceURI><a:MessageID>7</a:MessageID>"
		"<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/"
		"anonymous</a:Address></a:ReplyTo><w:OperationTimeout>PT60S"
		"</w:OperationTimeout><w:SelectorSet><w:Selector Name=\"InstanceID\">AMT"
		"</w:Selector></w:SelectorSet></s:Header><s:Body/></s:Envelope>";
	char out[2048];
	struct writer w;

	writer_init(&w, out, sizeof(out));
	ck_assert_int_eq(wsman_write(&q, 7, &w), 0);
	ck_assert_uint_eq(w.at, strlen(want));
	ck_assert_mem_eq(out, want, w.at);
}
END_TEST

static void write_to(const struct wsman_request *q, char *out, size_t size)
{
	struct writer w;

	writer_init(&w, out, size - 1);
	ck_assert_int_eq(wsman_write(q, 7, &w), 0);
	out[w.at] = '\0';
}

START_TEST(a_reference_names_class_and_key)
{
	const struct wsman_field field = { .name = "ElementInContext", .value = "H: <0>",
					   .class_name = "AMT_PublicKeyCertificate",
					   .selector = "InstanceID" };
	struct wsman_request q = { .verb = WSMAN_CREATE, .class_name = "AMT_TLSCredentialContext",
				   .fields = &field, .n_fields = 1 };
	char out[2048];

	write_to(&q, out, sizeof(out));
	ck_assert_ptr_nonnull(strstr(out, "<a:Action>http://schemas.xmlsoap.org/ws/2004/09/"
				     "transfer/Create</a:Action>"));
	ck_assert_ptr_nonnull(strstr(out, "<r:ElementInContext><a:Address>/wsman</a:Address>"
		"<a:ReferenceParameters><w:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/"
		"AMT_PublicKeyCertificate</w:ResourceURI><w:SelectorSet><w:Selector "
		"Name=\"InstanceID\">H: &lt;0&gt;</w:Selector></w:SelectorSet>"
		"</a:ReferenceParameters></r:ElementInContext></r:AMT_TLSCredentialContext>"));
}
END_TEST

START_TEST(items_are_enumerated_and_pulled)
{
	const struct wsman_field field = { .name = "EnumerationContext", .value = "5" };
	struct wsman_request q = { .verb = WSMAN_ENUMERATE,
				   .class_name = "AMT_PublicPrivateKeyPair" };
	char out[2048];

	write_to(&q, out, sizeof(out));
	ck_assert_ptr_nonnull(strstr(out, "<a:Action>http://schemas.xmlsoap.org/ws/2004/09/"
				     "enumeration/Enumerate</a:Action>"));
	ck_assert_ptr_nonnull(strstr(out, "<s:Body><r:Enumerate xmlns:r=\"http://schemas."
				     "xmlsoap.org/ws/2004/09/enumeration\"></r:Enumerate>"
				     "</s:Body>"));
	q.verb = WSMAN_PULL;
	q.fields = &field;
	q.n_fields = 1;
	write_to(&q, out, sizeof(out));
	ck_assert_ptr_nonnull(strstr(out, "enumeration/Pull</a:Action>"));
	ck_assert_ptr_nonnull(strstr(out, "<r:EnumerationContext>5</r:EnumerationContext>"
				     "<r:MaxElements>"));
}
END_TEST

START_TEST(what_is_inside_fields_is_found_by_its_path)
{
	char text[16000];
	size_t at;

	ck_assert_int_eq(take("<s:Envelope xmlns:s='" SOAP12 "'><s:Body><s:x><e:Items xmlns:e='u'>"
			      "<s:Pair><s:Key>A</s:Key><s:Name>1</s:Name></s:Pair>"
			      "<s:Pair><s:Key> B </s:Key><s:Name>2</s:Name></s:Pair></e:Items>"
			      "<s:End/></s:x></s:Body></s:Envelope>"), 0);
	ck_assert_str_eq(xml_answer_nested(answer, "Items/Pair/Key", 0), "A");
	ck_assert_str_eq(xml_answer_nested(answer, "Items/Pair/Key", 1), "B");
	ck_assert_str_eq(xml_answer_nested(answer, "Items/Pair/Name", 1), "2");
	ck_assert_ptr_null(xml_answer_nested(answer, "Items/Pair/Key", 2));
	ck_assert_ptr_null(xml_answer_nested(answer, "Items/Pair", 0));
	ck_assert_ptr_null(xml_answer_value(answer, "Items"));
	ck_assert(xml_answer_has(answer, "Items/Pair") && xml_answer_has(answer, "Items"));
	ck_assert(!xml_answer_has(answer, "Items/Pai") && !xml_answer_has(answer, "End"));
	/* Too many are left out, and nothing is refused for that. */
	at = (size_t)sprintf(text, "<s:Envelope xmlns:s='" SOAP12 "'><s:Body><s:x><s:f>");
	for (int i = 0; i < XML_MAX_NESTED + 5; i++)
		at += (size_t)sprintf(text + at, "<s:a>%d</s:a>", i);
	sprintf(text + at, "</s:f></s:x></s:Body></s:Envelope>");
	ck_assert_int_eq(take(text), 0);
	ck_assert_ptr_nonnull(xml_answer_nested(answer, "f/a", XML_MAX_NESTED - 1));
	ck_assert_ptr_null(xml_answer_nested(answer, "f/a", XML_MAX_NESTED));
}
END_TEST

static const char *write_call(const char *value, char *out, size_t size, int *ret)
{
	const struct wsman_field field = { .name = "Password", .value = value };
	const struct wsman_request q = { .verb = WSMAN_CALL,
					 .class_name = "AMT_SetupAndConfigurationService",
					 .method = "SetMEBxPassword", .fields = &field,
					 .n_fields = 1 };
	struct writer w;

	writer_init(&w, out, size - 1);
	*ret = wsman_write(&q, 1, &w);
	out[w.at < size ? w.at : size - 1] = '\0';
	return out;
}

START_TEST(a_value_is_escaped_and_reads_back_as_it_was)
{
	char out[4096];
	int rc;

	write_call("a<b>&\"c'\t\xc3\xa4", out, sizeof(out), &rc);
	ck_assert_int_eq(rc, 0);
	ck_assert_ptr_nonnull(strstr(out, "<r:Password>a&lt;b&gt;&amp;&quot;c'\t\xc3\xa4"
				     "</r:Password></r:SetMEBxPassword_INPUT>"));
	ck_assert_ptr_nonnull(strstr(out, "1/AMT_SetupAndConfigurationService/SetMEBxPassword"
				     "</a:Action>"));
	ck_assert_int_eq(take(out), 0);
	ck_assert_str_eq(xml_answer_name(answer), "SetMEBxPassword_INPUT");
	ck_assert_str_eq(xml_answer_value(answer, "Password"), "a<b>&\"c'\t\xc3\xa4");
}
END_TEST

START_TEST(what_xml_cannot_carry_is_refused)
{
	char out[4096];
	int rc;

	write_call("a\x01", out, sizeof(out), &rc);
	ck_assert_int_eq(rc, KIT_ERR_FORMAT);
	write_call("a\xff", out, sizeof(out), &rc);
	ck_assert_int_eq(rc, KIT_ERR_FORMAT);
	write_call("a", out, 100, &rc);
	ck_assert_int_eq(rc, KIT_ERR_RANGE);
}
END_TEST

START_TEST(a_soap_call_has_its_group_and_its_action)
{
	const struct wsman_field fields[] = { { .name = "Username", .value = "admin" },
					      { .name = "DigestPassword", .value = "x" } };
	const struct soap_request q = { .service = SOAP_SECURITY, .call = "SetAdminAclEntryEx",
					.group = "EntryEx", .fields = fields, .n_fields = 2 };
	char out[2048], action[160];
	struct writer w;

	writer_init(&w, out, sizeof(out) - 1);
	ck_assert_int_eq(soap_write(&q, &w), 0);
	out[w.at] = '\0';
	ck_assert_ptr_nonnull(strstr(out, "<s:Body><SetAdminAclEntryEx xmlns=\"http://schemas."
				     "intel.com/platform/client/SecurityAdministration/2004/01\">"
				     "<EntryEx><Username>admin</Username><DigestPassword>x"
				     "</DigestPassword></EntryEx></SetAdminAclEntryEx></s:Body>"));
	soap_action(&q, action, sizeof(action));
	ck_assert_str_eq(action, "\"http://schemas.intel.com/platform/client/"
			 "SecurityAdministration/2004/01#SetAdminAclEntryEx\"");
	ck_assert_str_eq(soap_path(SOAP_NETWORK), "/NetworkAdministrationService");
}
END_TEST

START_TEST(fields_of_an_answer_are_found_by_local_name)
{
	uint32_t n;

	ck_assert_int_eq(take("<?xml version='1.0'?><a:Envelope xmlns:a='" SOAP12 "'><a:Header>"
			      "<x>1</x></a:Header>\n<a:Body>\n<g:AMT_GeneralSettings xmlns:g='u'>"
			      "<g:DigestRealm> Digest:1 </g:DigestRealm><g:Empty/>"
			      "<g:Reference><g:To>x</g:To></g:Reference><g:State>2</g:State>"
			      "</g:AMT_GeneralSettings></a:Body></a:Envelope>"), 0);
	ck_assert_str_eq(xml_answer_name(answer), "AMT_GeneralSettings");
	ck_assert_str_eq(xml_answer_value(answer, "DigestRealm"), "Digest:1");
	ck_assert_str_eq(xml_answer_value(answer, "Empty"), "");
	ck_assert_ptr_null(xml_answer_value(answer, "Reference"));
	ck_assert_ptr_null(xml_answer_value(answer, "x"));
	ck_assert_uint_eq(xml_answer_count(answer), 3);
	ck_assert_int_eq(xml_answer_number(answer, "State", &n), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(xml_answer_number(answer, "DigestRealm", &n), KIT_ERR_FORMAT);
	ck_assert_int_eq(xml_answer_number(answer, "None", &n), KIT_ERR_NOT_FOUND);
	ck_assert(!xml_answer_is_fault(answer, NULL));
}
END_TEST

START_TEST(faults_of_both_soaps_give_their_reason)
{
	const char *reason;

	ck_assert_int_eq(take("<s:Envelope xmlns:s='" SOAP12 "'><s:Body><s:Fault><s:Code>"
			      "<s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>no\nsch\u00f6n"
			      "</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>"), 0);
	ck_assert(xml_answer_is_fault(answer, &reason));
	ck_assert_str_eq(reason, "no?sch\u00f6n");
	ck_assert_int_eq(take("<s:Envelope xmlns:s='" SOAP11 "'><s:Body><s:Fault><faultcode>"
			      "s:Server</faultcode><faultstring>broken</faultstring></s:Fault>"
			      "</s:Body></s:Envelope>"), 0);
	ck_assert(xml_answer_is_fault(answer, &reason));
	ck_assert_str_eq(reason, "broken");
}
END_TEST

static const char *code_of(const char *code)
{
	char text[600];

	snprintf(text, sizeof(text), "<s:Envelope xmlns:s='" SOAP12 "'><s:Body><s:Fault>%s"
		 "</s:Fault></s:Body></s:Envelope>", code);
	ck_assert_int_eq(take(text), 0);
	return xml_answer_fault_code(answer);
}

START_TEST(the_code_of_a_fault_is_a_plain_word_or_none)
{
	static const char *const secrets[] = {
		"Secret.Pa55",
		"NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ",
		"NKLDGADCRRNQEAYZZIJLALFLVJEDAAXJ",
		"X0DFcMDtbFhwkVwGD3xoag==",
		"a\nb",
		"",
		"abcdefghijklmnopqrstuvwxyzabcdefghijklmno",
	};
	char text[400];

	ck_assert_str_eq(code_of("<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>wsman:"
				 "AccessDenied</s:Value></s:Subcode></s:Code>"), "AccessDenied");
	ck_assert_str_eq(code_of("<s:Code><s:Value>s:Sender</s:Value></s:Code>"), "Sender");
	ck_assert_str_eq(code_of("<faultcode>SOAP-ENV:Client</faultcode>"), "Client");
	ck_assert_str_eq(code_of("<s:Reason><s:Text>no</s:Text></s:Reason>"), "");
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++) {
		snprintf(text, sizeof(text), "<s:Code><s:Value>s:%s</s:Value></s:Code>",
			 secrets[i]);
		ck_assert_msg(*code_of(text) == '\0', "%s", secrets[i]);
	}
}
END_TEST

#define IN_BODY(x) "<s:Envelope xmlns:s='" SOAP12 "'><s:Body>" x "</s:Body></s:Envelope>"

static const struct {
	const char *text, *says;
} refused[] = {
	{ "", "empty" },
	{ "hello", "not well-formed XML" },
	{ "<a/>", "not a SOAP envelope" },
	{ "<Envelope/>", "not a SOAP envelope" },
	{ "<s:Envelope xmlns:s='" SOAP12 "'/>", "without a body" },
	{ "<s:Envelope xmlns:s='" SOAP12 "'><Body/></s:Envelope>", "without a body" },
	{ "<s:Envelope xmlns:s='" SOAP12 "'><s:Body><a></s:Body></s:Envelope>", "well-formed" },
	{ "<!DOCTYPE x [<!ENTITY e 'eeee'>]>" IN_BODY("<a><b>&e;</b></a>"), "document type" },
	{ "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>" IN_BODY("<a/>"), "document type" },
	{ IN_BODY("<a>&undefined;</a>"), "well-formed" },
};

START_TEST(what_is_no_answer_is_refused)
{
	ck_assert_int_eq(take(refused[_i].text), KIT_ERR_PROTOCOL);
	ck_assert_msg(strstr(fault.what, refused[_i].says) != NULL, "got: %s", fault.what);
	ck_assert_ptr_null(answer);
}
END_TEST

/* An answer with N times the text PIECE in its body's first element, and END times BACK. */
static int repeated(const char *piece, const char *back, int n)
{
	size_t size = (strlen(piece) + strlen(back)) * (size_t)n + 256;
	char *text = malloc(size), *at = text;
	int rc;

	at = stpcpy(at, "<s:Envelope xmlns:s='" SOAP12 "'><s:Body><a>");
	for (int i = 0; i < n; i++)
		at = stpcpy(at, piece);
	for (int i = 0; i < n; i++)
		at = stpcpy(at, back);
	strcpy(at, "</a></s:Body></s:Envelope>");
	rc = take(text);
	free(text);
	return rc;
}

START_TEST(a_broken_encoding_is_refused_without_a_word_on_standard_error)
{
	static const char answers[][32] = {
		"\xff\xfe<\0a\0>\0\0\xd8\x41\0<\0/\0a\0>",
		"\xfe\xff\0<\0a\0>\xd8\0\0A\0<\0/\0a\0>",
		"\0\0\0<\0\0\0a\xff\xff\xff\xff\0\0\0>",
		"<?xml encoding='UTF-16'?>\xff<a/>",
	};
	int kept = dup(STDERR_FILENO), said[2];
	char byte;

	ck_assert_int_eq(pipe2(said, O_NONBLOCK), 0);
	dup2(said[1], STDERR_FILENO);
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		fault_clear(&fault);
		ck_assert_int_eq(xml_answer_read(&answer, answers[i], sizeof(answers[i]), &fault),
				 KIT_ERR_PROTOCOL);
	}
	dup2(kept, STDERR_FILENO);
	close(kept);
	ck_assert_int_eq(read(said[0], &byte, 1), -1);
	close(said[0]);
	close(said[1]);
}
END_TEST

START_TEST(limits_on_depth_number_and_length_hold)
{
	char value[XML_MAX_VALUE + 8];

	ck_assert_int_eq(repeated("<b>", "</b>", XML_MAX_DEPTH - 3), 0);
	ck_assert_int_eq(repeated("<b>", "</b>", XML_MAX_DEPTH - 2), KIT_ERR_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(fault.what, "too deep"));
	ck_assert_int_eq(repeated("<b/>", "", XML_MAX_FIELDS), 0);
	ck_assert_int_eq(repeated("<b/>", "", XML_MAX_FIELDS + 1), KIT_ERR_PROTOCOL);
	ck_assert_int_eq(repeated("<b/>", "", XML_MAX_NODES + 1), KIT_ERR_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(fault.what, "too many elements"));
	snprintf(value, sizeof(value), "<b>");
	memset(value + 3, 'x', XML_MAX_VALUE);
	value[XML_MAX_VALUE + 3] = '\0';
	ck_assert_int_eq(repeated(value, "</b>", 1), 0);
	strcat(value, "x");
	ck_assert_int_eq(repeated(value, "</b>", 1), KIT_ERR_PROTOCOL);
}
END_TEST

START_TEST(a_truncated_answer_is_refused_at_every_length)
{
	static const char text[] = IN_BODY("<a><b>1</b></a>");

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		fault_clear(&fault);
		ck_assert_int_eq(xml_answer_read(&answer, text, n, &fault), KIT_ERR_PROTOCOL);
		ck_assert_ptr_null(answer);
	}
}
END_TEST

TEST_SUITE("wsman")
{
	TCase *t = tcase_create("requests and answers");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_get_is_written_byte_for_byte);
	tcase_add_test(t, a_reference_names_class_and_key);
	tcase_add_test(t, items_are_enumerated_and_pulled);
	tcase_add_test(t, what_is_inside_fields_is_found_by_its_path);
	tcase_add_test(t, a_value_is_escaped_and_reads_back_as_it_was);
	tcase_add_test(t, what_xml_cannot_carry_is_refused);
	tcase_add_test(t, a_soap_call_has_its_group_and_its_action);
	tcase_add_test(t, fields_of_an_answer_are_found_by_local_name);
	tcase_add_test(t, faults_of_both_soaps_give_their_reason);
	tcase_add_test(t, the_code_of_a_fault_is_a_plain_word_or_none);
	tcase_add_loop_test(t, what_is_no_answer_is_refused, 0,
			    sizeof(refused) / sizeof(*refused));
	tcase_add_test(t, a_broken_encoding_is_refused_without_a_word_on_standard_error);
	tcase_add_test(t, limits_on_depth_number_and_length_hold);
	tcase_add_test(t, a_truncated_answer_is_refused_at_every_length);
	suite_add_tcase(suite, t);
}
