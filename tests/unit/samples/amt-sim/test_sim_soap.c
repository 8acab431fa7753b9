/* Tests of the simulated device's SOAP: what AMT 2.x answers, what it refuses. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-habits.h"
#include "samples/amt-sim/sim-setup.h"
#include "samples/amt-sim/sim-soap.h"
#include "samples/amt-sim/sim-xml.h"
#include "tests/support/suite.h"

#define SECURITY	"/SecurityAdministrationService"
#define NETWORK		"/NetworkAdministrationService"
#define TIME		"/NetworkTimeService"
#define REMOTE		"/RemoteControlService"

static struct sim_device d;
static struct sim_habits habits;
static struct sim_xml_answer xml;
static const char *reply;
static char call[SIM_CALL_NAME];
static unsigned status;

static void setup(void)
{
	memset(&habits, 0, sizeof(habits));
	ck_assert_int_eq(sim_device_factory(&d, NULL, (struct sim_device_firmware){ 2, 2, 1 }, NULL,
					    NULL),
			 0);
	d.state = SIM_DEVICE_IN;
	xml.buffer = NULL;
	xml.writer = NULL;
}

static void teardown(void)
{
	sim_xml_answer_clear(&xml);
	sim_device_clear(&d);
}

static unsigned post(const char *path, const char *text)
{
	size_t size;
	unsigned http;

	sim_xml_answer_clear(&xml);
	ck_assert_int_eq(sim_xml_answer_begin(&xml), 0);
	http = sim_soap_answer(&d, &habits, path, text, strlen(text), call, &status, &xml);
	reply = sim_xml_answer_end(&xml, &size);
	return http;
}

/* An envelope as amttool's SOAP::Lite writes it. */
static unsigned ask(const char *path, const char *name_space, const char *name,
		    const char *arguments)
{
	char text[4096];

	snprintf(
		text, sizeof(text),
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><soap:Envelope soap:encodingStyle=\""
		"http:"
		"//schemas.xmlsoap.org/soap/encoding/\" xmlns:soap=\"http://schemas.xmlsoap.org/"
		"soap/envelope/\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><soap:Body>"
		"<%s xmlns=\"http://schemas.intel.com/platform/client/%s/2004/01\">%s</%s>"
		"</soap:Body></soap:Envelope>",
		name, name_space, arguments, name);
	return post(path, text);
}

static bool answered(const char *piece)
{
	if (!strstr(reply, piece))
		printf("no %s in %s\n", piece, reply);
	return strstr(reply, piece) != NULL;
}

START_TEST(what_amttool_asks_is_answered_in_its_order)
{
	strcpy(d.host, "pc1");
	ck_assert_uint_eq(ask(SECURITY, "SecurityAdministration", "GetCoreVersion", ""), 200);
	ck_assert(
		answered("<GetCoreVersionResponse xmlns=\"http://schemas.intel.com/platform/client/"
			 "SecurityAdministration/2004/01\"><StatusCode>0</StatusCode>"
			 "<Version>2.2.1</Version></GetCoreVersionResponse>"));
	ck_assert_uint_eq(ask(NETWORK, "NetworkAdministration", "GetHostName", ""), 200);
	ck_assert(answered("<StatusCode>0</StatusCode><HostName>pc1</HostName>"));
	ck_assert_uint_eq(ask(NETWORK, "NetworkAdministration", "GetDomainName", ""), 200);
	ck_assert(answered("<DomainName></DomainName>"));
	ck_assert_uint_eq(ask(REMOTE, "RemoteControl", "GetSystemPowerState", ""), 200);
	ck_assert(answered("<SystemPowerState>0</SystemPowerState>"));
	ck_assert_uint_eq(ask(REMOTE, "RemoteControl", "GetRemoteControlCapabilities", ""), 200);
	ck_assert(answered("<StatusCode>0</StatusCode><IanaOemNumber>343</IanaOemNumber>"
			   "<OemDefinedCapabilities>"));
}
END_TEST

START_TEST(a_machine_is_switched_off_and_on)
{
	ck_assert_uint_eq(ask(REMOTE, "RemoteControl", "RemoteControl",
			      "<Command>18</Command><IanaOemNumber>343</IanaOemNumber>"), 200);
	ck_assert(answered("<StatusCode>0</StatusCode>"));
	ck_assert_uint_eq(ask(REMOTE, "RemoteControl", "GetSystemPowerState", ""), 200);
	ck_assert(answered("<SystemPowerState>5</SystemPowerState>"));
	ask(REMOTE, "RemoteControl", "RemoteControl",
	    "<Command>20</Command><IanaOemNumber>343</IanaOemNumber>");
	ck_assert_uint_eq(status, SIM_INVALID_COMMAND);
	ask(REMOTE, "RemoteControl", "RemoteControl", "<IanaOemNumber>343</IanaOemNumber>");
	ck_assert_uint_eq(status, SIM_INVALID_COMMAND);
	ask(REMOTE, "RemoteControl", "RemoteControl", "<Command>17</Command>");
	ck_assert_uint_eq(status, SIM_UNSUPPORTED_OEM);
	ck_assert(d.off);
	ask(REMOTE, "RemoteControl", "RemoteControl",
	    "<Command>17</Command><IanaOemNumber>343</IanaOemNumber>");
	ck_assert_uint_eq(status, SIM_OK);
	ck_assert(!d.off);
}
END_TEST

START_TEST(a_device_is_set_up_call_by_call)
{
	char clock[256];
	const char *ta0;

	ck_assert_uint_eq(ask(SECURITY, "SecurityAdministration", "CommitChanges", ""), 200);
	ck_assert(answered("<StatusCode>2057</StatusCode>"));
	ck_assert_uint_eq(ask(SECURITY, "SecurityAdministration", "GetDigestRealm", ""), 200);
	ck_assert(answered(d.realm));
	ck_assert_uint_eq(ask(SECURITY, "SecurityAdministration", "SetAdminAclEntryEx",
		"<EntryEx><Username>admin</Username><DigestPassword>AAECAwQFBgcICQoLDA0ODw=="
		"</DigestPassword></EntryEx>"), 200);
	ck_assert_uint_eq(status, 0);
	ck_assert(d.admin_set);
	ck_assert_uint_eq(ask(TIME, "NetworkTime", "GetLowAccuracyTimeSynch", ""), 200);
	ta0 = strstr(reply, "<Ta0>");
	ck_assert_ptr_nonnull(ta0);
	snprintf(clock, sizeof(clock), "<Ta0>%.*s</Ta0><Tm1>1700000000</Tm1><Tm2>1700000001</Tm2>",
		 (int)strspn(ta0 + 5, "0123456789"), ta0 + 5);
	ck_assert_uint_eq(ask(TIME, "NetworkTime", "SetHighAccuracyTimeSynch", clock), 200);
	ck_assert_uint_eq(status, 0);
	ck_assert_uint_eq(ask(NETWORK, "NetworkAdministration", "SetHostName",
			      "<HostName>pc1</HostName>"), 200);
	ck_assert_uint_eq(ask(NETWORK, "NetworkAdministration", "SetDomainName",
			      "<DomainName>corp.example</DomainName>"), 200);
	ck_assert_uint_eq(ask(SECURITY, "SecurityAdministration", "SetMEBxPassword",
			      "<Password>N3w!Passw</Password>"), 200);
	ck_assert_str_eq(d.mebx, "N3w!Passw");
	ck_assert_uint_eq(ask(SECURITY, "SecurityAdministration", "SetTLSPSK",
		"<PID>0000037M</PID><PPS>NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ</PPS>"), 200);
	ck_assert_uint_eq(status, 0);
	ck_assert_uint_eq(ask(SECURITY, "SecurityAdministration", "CommitChanges", ""), 200);
	ck_assert(answered("<StatusCode>0</StatusCode>"));
	ck_assert_int_eq(d.state, SIM_DEVICE_POST);
	ck_assert_str_eq(d.domain, "corp.example");
}
END_TEST

START_TEST(a_refused_call_returns_a_status_and_no_values)
{
	habits.refuse = "GetDigestRealm";
	habits.refuse_status = 0x10;
	ck_assert_uint_eq(ask(SECURITY, "SecurityAdministration", "GetDigestRealm", ""), 200);
	ck_assert(answered("<StatusCode>16</StatusCode></GetDigestRealmResponse>"));
	habits.refuse = "CommitChanges";
	d.admin_set = true;
	ck_assert_uint_eq(ask(SECURITY, "SecurityAdministration", "CommitChanges", ""), 200);
	ck_assert_int_eq(d.state, SIM_DEVICE_IN);
}
END_TEST

START_TEST(a_call_to_the_wrong_service_is_a_fault)
{
	ck_assert(sim_soap_has_path(SECURITY));
	ck_assert(!sim_soap_has_path("/wsman"));
	ck_assert_uint_eq(ask(NETWORK, "SecurityAdministration", "GetCoreVersion", ""), 500);
	ck_assert(answered("<s:Fault>"));
	ck_assert_uint_eq(ask(SECURITY, "NetworkAdministration", "GetCoreVersion", ""), 500);
	ck_assert_uint_eq(ask(SECURITY, "SecurityAdministration", "Nonsense", ""), 500);
	ck_assert_uint_eq(post(SECURITY, "nonsense"), 500);
	ck_assert_uint_eq(post(SECURITY, ""), 500);
	ck_assert_uint_eq(post(SECURITY, "<s:Envelope xmlns:s=\"" SIM_XML_SOAP11 "\"><s:Body/>"
			       "</s:Envelope>"), 500);
	/* SOAP 1.2 is not what devices of that age know. */
	ck_assert_uint_eq(post(SECURITY, "<s:Envelope xmlns:s=\"" SIM_XML_SOAP12 "\"><s:Body>"
					 "<GetCoreVersion xmlns=\"" SIM_SOAP_SCHEMA
					 "SecurityAdministration/2004/01\"/>"
					 "</s:Body></s:Envelope>"),
			  500);
}
END_TEST

TEST_SUITE("sim_soap")
{
	TCase *c = tcase_create("soap");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, what_amttool_asks_is_answered_in_its_order);
	tcase_add_test(c, a_machine_is_switched_off_and_on);
	tcase_add_test(c, a_device_is_set_up_call_by_call);
	tcase_add_test(c, a_refused_call_returns_a_status_and_no_values);
	tcase_add_test(c, a_call_to_the_wrong_service_is_a_fault);
	suite_add_tcase(suite, c);
}
