/* Tests of the simulated device's WS-Management: what it answers, what it refuses. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "samples/amt-sim/sim-class.h"
#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-habits.h"
#include "samples/amt-sim/sim-setup.h"
#include "samples/amt-sim/sim-wsman.h"
#include "samples/amt-sim/sim-xml.h"
#include "tests/support/suite.h"

#define GET	"http://schemas.xmlsoap.org/ws/2004/09/transfer/Get"
#define PUT	"http://schemas.xmlsoap.org/ws/2004/09/transfer/Put"
#define ENUM	"http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate"
#define PULL	"http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull"
#define UUID	"939b524b-13d4-1d18-e487-1c697a6b7a2b"

static struct sim_device d;
static struct sim_habits habits;
static struct sim_xml_answer xml;
static const char *answer;
static char call[SIM_CALL_NAME];
static unsigned status;

static void setup(void)
{
	uint8_t uuid[16];

	memset(&habits, 0, sizeof(habits));
	ck_assert_int_eq(sim_device_parse_uuid(UUID, uuid), 0);
	ck_assert_int_eq(sim_device_factory(&d, uuid, (struct sim_device_firmware){ 7, 1, 20 },
					    NULL,
					    NULL), 0);
	d.state = SIM_DEVICE_IN;
	strcpy(d.pair.pid, "0000037M");
	strcpy(d.pair.pps, "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ");
	xml.buffer = NULL;
	xml.writer = NULL;
}

static void teardown(void)
{
	sim_xml_answer_clear(&xml);
	sim_device_clear(&d);
}

/* Send TEXT as it is. Returns the HTTP status; the answer is in "answer". */
static unsigned post(const char *text)
{
	size_t size;
	unsigned http;

	sim_xml_answer_clear(&xml);
	ck_assert_int_eq(sim_xml_answer_begin(&xml), 0);
	http = sim_wsman_answer(&d, &habits, text, strlen(text), call, &status, &xml);
	answer = sim_xml_answer_end(&xml, &size);
	return http;
}

/* An envelope as MeshCentral's client writes it. */
static unsigned send_as_meshcentral(const char *action, const char *resource,
				    const char *selectors, const char *body)
{
	char text[8192];

	snprintf(
		text, sizeof(text),
		"<?xml version=\"1.0\" encoding=\"utf-8\"?><Envelope xmlns:xsi=\"http://www.w3.org/"
		"2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" "
		"xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" xmlns:w=\"http://"
		"schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" xmlns=\"http://www.w3.org/2003/05/"
		"soap-envelope\" ><Header><a:Action>%s</a:Action><a:To>/wsman</a:To>"
		"<w:ResourceURI>%s</w:ResourceURI><a:MessageID>17</a:MessageID><a:ReplyTo>"
		"<a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
		"</a:Address></a:ReplyTo><w:OperationTimeout>PT60S</w:OperationTimeout>%s</Header>"
		"<Body>%s</Body></Envelope>",
		action, resource, selectors, body);
	return post(text);
}

static unsigned method(const char *class, const char *name, const char *arguments)
{
	char action[512], resource[256], body[2048];

	snprintf(resource, sizeof(resource), SIM_CLASS_AMT "%s", class);
	snprintf(action, sizeof(action), "%s/%s", resource, name);
	snprintf(body, sizeof(body), "<r:%s_INPUT xmlns:r=\"%s\">%s</r:%s_INPUT>", name, resource,
		 arguments, name);
	return send_as_meshcentral(action, resource, "", body);
}

static bool answered(const char *piece)
{
	if (!strstr(answer, piece))
		printf("no %s in %s\n", piece, answer);
	return strstr(answer, piece) != NULL;
}

START_TEST(the_general_settings_are_given)
{
	char realm[80];

	strcpy(d.host, "pc1");
	ck_assert_uint_eq(send_as_meshcentral(GET, SIM_CLASS_AMT "AMT_GeneralSettings", "", ""),
			  200);
	snprintf(realm, sizeof(realm), "<g:DigestRealm>%s</g:DigestRealm>", d.realm);
	ck_assert(answered(realm));
	ck_assert(answered("<g:HostName>pc1</g:HostName>"));
	ck_assert(answered("<b:RelatesTo>17</b:RelatesTo>"));
	ck_assert(
		answered("<b:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/GetResponse<"));
	ck_assert(answered("<g:DomainName></g:DomainName>"));
	ck_assert_str_eq(call, "AMT_GeneralSettings");
	/* Simple-minded parsers cannot read <x/>. */
	ck_assert_ptr_null(strstr(answer, "/>"));
}
END_TEST

START_TEST(the_uuid_is_given_in_the_order_of_the_hello)
{
	ck_assert_uint_eq(send_as_meshcentral(GET, SIM_CLASS_CIM "CIM_ComputerSystemPackage", "",
					      ""),
			  200);
	ck_assert(answered("<g:PlatformGUID>4B529B93D413181DE4871C697A6B7A2B</g:PlatformGUID>"));
	ck_assert_uint_eq(method("AMT_SetupAndConfigurationService", "GetUuid", ""), 200);
	ck_assert(answered("<g:UUID>S1Kbk9QTGB3khxxpemt6Kw==</g:UUID>"));
	habits.wrong_uuid = true;
	ck_assert_uint_eq(send_as_meshcentral(GET, SIM_CLASS_CIM "CIM_ComputerSystemPackage", "",
					      ""),
			  200);
	ck_assert(answered("<g:PlatformGUID>4B529B93D413181DE4871C697A6B7AD4</g:PlatformGUID>"));
}
END_TEST

START_TEST(software_is_found_by_its_instance_or_listed)
{
	const char *amt = "<w:SelectorSet><w:Selector Name=\"InstanceID\">AMT</w:Selector>"
			  "</w:SelectorSet>";

	ck_assert_uint_eq(send_as_meshcentral(GET, SIM_CLASS_CIM "CIM_SoftwareIdentity", amt, ""),
			  200);
	ck_assert(answered("<g:VersionString>7.1.20</g:VersionString>"));
	ck_assert_uint_eq(send_as_meshcentral(GET, SIM_CLASS_CIM "CIM_SoftwareIdentity", "", ""),
			  400);
	ck_assert_uint_eq(send_as_meshcentral(GET, SIM_CLASS_CIM "CIM_SoftwareIdentity",
					      "<w:SelectorSet><w:Selector Name=\"InstanceID\">"
					      "Nonsense</w:Selector></w:SelectorSet>",
					      ""),
			  400);
	ck_assert_uint_eq(send_as_meshcentral(ENUM, SIM_CLASS_CIM "CIM_SoftwareIdentity", "",
		"<Enumerate xmlns=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\" />"), 200);
	ck_assert(answered("<e:EnumerationContext>CIM_SoftwareIdentity</e:EnumerationContext>"));
	ck_assert_uint_eq(send_as_meshcentral(PULL, SIM_CLASS_CIM "CIM_SoftwareIdentity", "",
		"<Pull xmlns=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\">"
		"<EnumerationContext>CIM_SoftwareIdentity</EnumerationContext></Pull>"), 200);
	ck_assert(answered("<g:InstanceID>AMT</g:InstanceID>"));
	ck_assert(answered("<g:InstanceID>Flash</g:InstanceID>"));
	ck_assert(answered("<e:EndOfSequence></e:EndOfSequence>"));
	ck_assert_uint_eq(send_as_meshcentral(PULL, SIM_CLASS_CIM "CIM_SoftwareIdentity", "",
		"<Pull xmlns=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\">"
		"<EnumerationContext>7</EnumerationContext></Pull>"), 400);
}
END_TEST

START_TEST(a_device_is_set_up_call_by_call)
{
	char clock[256];
	const char *ta0;

	ck_assert_uint_eq(method("AMT_SetupAndConfigurationService", "CommitChanges", ""), 200);
	ck_assert(answered("<g:CommitChanges_OUTPUT><g:ReturnValue>2057</g:ReturnValue>"));
	ck_assert_uint_eq(status, SIM_DATA_MISSING);
	ck_assert_uint_eq(method("AMT_AuthorizationService", "SetAdminAclEntryEx",
		"<r:Username>admin</r:Username><r:DigestPassword>AAECAwQFBgcICQoLDA0ODw=="
		"</r:DigestPassword>"), 200);
	ck_assert(answered("<g:ReturnValue>0</g:ReturnValue>"));
	ck_assert_uint_eq(method("AMT_TimeSynchronizationService", "GetLowAccuracyTimeSynch", ""),
			  200);
	ta0 = strstr(answer, "<g:Ta0>");
	ck_assert_ptr_nonnull(ta0);
	snprintf(clock, sizeof(clock), "<r:Ta0>%.*s</r:Ta0><r:Tm1>1700000000</r:Tm1>"
		 "<r:Tm2>1700000000</r:Tm2>", (int)strspn(ta0 + 7, "0123456789"), ta0 + 7);
	ck_assert_uint_eq(method("AMT_TimeSynchronizationService", "SetHighAccuracyTimeSynch",
				 clock), 200);
	ck_assert_uint_eq(status, 0);
	ck_assert_uint_eq(
		send_as_meshcentral(
			PUT, SIM_CLASS_AMT "AMT_GeneralSettings", "",
			"<r:AMT_GeneralSettings xmlns:r=\"" SIM_CLASS_AMT
			"AMT_GeneralSettings\"><r:HostName>pc1"
			"</r:HostName><r:DomainName>corp.example</r:DomainName>"
			"</r:AMT_GeneralSettings>"),
		200);
	ck_assert_str_eq(d.host, "pc1");
	ck_assert_str_eq(d.domain, "corp.example");
	ck_assert_uint_eq(method("AMT_SetupAndConfigurationService", "SetTLSPSK",
		"<r:PID>0000037M</r:PID><r:PPS>NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ</r:PPS>"), 200);
	ck_assert_uint_eq(status, 0);
	ck_assert_uint_eq(method("AMT_SetupAndConfigurationService", "CommitChanges", ""), 200);
	ck_assert_uint_eq(status, 0);
	ck_assert_int_eq(d.state, SIM_DEVICE_POST);
	ck_assert_uint_eq(send_as_meshcentral(GET, SIM_CLASS_AMT "AMT_SetupAndConfigurationService",
					      "",
					      ""),
			  200);
	ck_assert(answered("<g:ProvisioningState>2</g:ProvisioningState>"));
}
END_TEST

START_TEST(settings_that_are_refused_change_nothing)
{
	strcpy(d.host, "old");
	ck_assert_uint_eq(
		send_as_meshcentral(
			PUT, SIM_CLASS_AMT "AMT_GeneralSettings", "",
			"<r:AMT_GeneralSettings xmlns:r=\"" SIM_CLASS_AMT
			"AMT_GeneralSettings\"><r:HostName>pc1"
			"</r:HostName><r:DomainName>not a name</r:DomainName>"
			"</r:AMT_GeneralSettings>"),
		400);
	ck_assert_str_eq(d.host, "old");
	ck_assert_uint_eq(status, SIM_INVALID_DOMAIN);
	ck_assert_uint_eq(
		send_as_meshcentral(
			PUT, SIM_CLASS_AMT "AMT_GeneralSettings", "",
			"<r:AMT_GeneralSettings xmlns:r=\"" SIM_CLASS_AMT
			"AMT_GeneralSettings\"><r:HostName>pc1"
			"</r:HostName><r:DomainName>a.b</r:DomainName><r:DigestRealm>Digest:another"
			"</r:DigestRealm></r:AMT_GeneralSettings>"),
		400);
	ck_assert_str_eq(d.host, "old");
	ck_assert_uint_eq(send_as_meshcentral(PUT, SIM_CLASS_CIM "CIM_ComputerSystemPackage", "",
					      "<r:x xmlns:r=\"y\"></r:x>"), 400);
}
END_TEST

START_TEST(what_habit_refuses_is_not_carried_out)
{
	habits.refuse = "SetAdminAclEntryEx";
	habits.refuse_status = 0x10;
	ck_assert_uint_eq(method("AMT_AuthorizationService", "SetAdminAclEntryEx",
		"<r:Username>admin</r:Username><r:DigestPassword>AAECAwQFBgcICQoLDA0ODw=="
		"</r:DigestPassword>"), 200);
	ck_assert(answered("<g:ReturnValue>16</g:ReturnValue>"));
	ck_assert(!d.admin_set);
}
END_TEST

START_TEST(the_version_can_be_asked_for)
{
	ck_assert_uint_eq(post("<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\">"
			       "<s:Header></s:Header><s:Body><i:Identify xmlns:i=\""
			       SIM_WSMAN_IDENTITY
			       "\"></i:Identify>"
			       "</s:Body></s:Envelope>"),
			  200);
	ck_assert(answered("<f:ProductVersion>AMT 7.1</f:ProductVersion>"));
}
END_TEST

/* What does not fit is answered with a fault that says so. */
static const struct misfit {
	const char *action, *resource, *body, *subcode;
} misfits[] = {
	{ GET, SIM_CLASS_AMT "AMT_Nonsense", "", "b:DestinationUnreachable" },
	{ GET, SIM_CLASS_CIM "AMT_GeneralSettings", "", "b:DestinationUnreachable" },
	{ GET, "AMT_GeneralSettings", "", "b:DestinationUnreachable" },
	{ "http://x/Get", SIM_CLASS_AMT "AMT_GeneralSettings", "", "b:ActionNotSupported" },
	{ SIM_CLASS_AMT "AMT_GeneralSettings/CommitChanges", SIM_CLASS_AMT "AMT_GeneralSettings",
	  "",
	  "b:ActionNotSupported" },
	{ SIM_CLASS_AMT "AMT_SetupAndConfigurationService/CommitChanges",
	  SIM_CLASS_AMT "AMT_SetupAndConfigurationService", "", "c:SchemaValidationError" },
	{ SIM_CLASS_AMT "AMT_SetupAndConfigurationService/CommitChanges",
	  SIM_CLASS_AMT "AMT_SetupAndConfigurationService",
	  "<r:CommitChanges_INPUT xmlns:r=\"urn:x\"/>", "c:SchemaValidationError" },
	{ PUT, SIM_CLASS_AMT "AMT_GeneralSettings", "", "c:SchemaValidationError" },
	{ PUT, SIM_CLASS_AMT "AMT_SetupAndConfigurationService", "", "b:ActionNotSupported" },
	{ PULL, SIM_CLASS_AMT "AMT_GeneralSettings", "", "e:InvalidEnumerationContext" },
};

START_TEST(each_misfit_is_a_fault)
{
	const struct misfit *m = &misfits[_i];

	ck_assert_uint_eq(send_as_meshcentral(m->action, m->resource, "", m->body), 400);
	ck_assert(answered("<a:Fault>"));
	ck_assert(answered(m->subcode));
}
END_TEST

START_TEST(what_is_no_envelope_is_a_fault)
{
	static const char *const texts[] = {
		"", "nonsense", "<x/>", "<Envelope><Body/></Envelope>",
		"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body/>"
		"</s:Envelope>",
		"<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"></s:Envelope>",
		"<!DOCTYPE x [<!ENTITY e \"e\">]><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/"
		"soap-envelope\"><s:Body></s:Body></s:Envelope>",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_uint_eq(post(texts[i]), 400);
		ck_assert(answered("c:SchemaValidationError"));
	}
	/* An envelope, but nothing is asked. */
	ck_assert_uint_eq(post("<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\">"
			       "<s:Body></s:Body></s:Envelope>"), 400);
	ck_assert(answered("c:InvalidMessageInformationHeader"));
}
END_TEST

START_TEST(every_truncation_of_a_request_is_a_fault)
{
	char text[2048];

	snprintf(
		text, sizeof(text),
		"<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:a=\""
		SIM_WSMAN_ADDRESSING
		"\" xmlns:w=\"" SIM_WSMAN_MANAGEMENT "\"><s:Header><a:Action>" GET "</a:Action>"
		"<w:ResourceURI>" SIM_CLASS_AMT
		"AMT_GeneralSettings</w:ResourceURI></s:Header><s:Body/>"
		"</s:Envelope>");
	ck_assert_uint_eq(post(text), 200);
	for (size_t size = strlen(text) - 1; size > 0; size--) {
		text[size] = '\0';
		ck_assert_uint_eq(post(text), 400);
	}
}
END_TEST

START_TEST(bad_answers_are_counted_and_end)
{
	uint64_t bad = 0;

	habits.answer = SIM_ANSWER_GARBAGE;
	habits.answer_to = "CommitChanges";
	habits.answer_times = 2;
	ck_assert_int_eq(sim_habits_answer_to(&habits, "AMT_GeneralSettings", &bad),
			 SIM_ANSWER_GOOD);
	ck_assert_int_eq(sim_habits_answer_to(&habits, "CommitChanges", &bad), SIM_ANSWER_GARBAGE);
	ck_assert_int_eq(sim_habits_answer_to(&habits, "CommitChanges", &bad), SIM_ANSWER_GARBAGE);
	ck_assert_int_eq(sim_habits_answer_to(&habits, "CommitChanges", &bad), SIM_ANSWER_GOOD);
	ck_assert_uint_eq(bad, 2);
}
END_TEST

TEST_SUITE("sim_wsman")
{
	TCase *c = tcase_create("wsman");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, the_general_settings_are_given);
	tcase_add_test(c, the_uuid_is_given_in_the_order_of_the_hello);
	tcase_add_test(c, software_is_found_by_its_instance_or_listed);
	tcase_add_test(c, a_device_is_set_up_call_by_call);
	tcase_add_test(c, settings_that_are_refused_change_nothing);
	tcase_add_test(c, what_habit_refuses_is_not_carried_out);
	tcase_add_test(c, the_version_can_be_asked_for);
	tcase_add_loop_test(c, each_misfit_is_a_fault, 0, sizeof(misfits) / sizeof(misfits[0]));
	tcase_add_test(c, what_is_no_envelope_is_a_fault);
	tcase_add_test(c, every_truncation_of_a_request_is_a_fault);
	tcase_add_test(c, bad_answers_are_counted_and_end);
	suite_add_tcase(suite, c);
}
