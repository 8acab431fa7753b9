/* Tests of TLS of a machine's own: key pair, certificate, settings, over WS-Management. */
#include <check.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "samples/amt-sim/sim-class.h"
#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-setup.h"
#include "samples/amt-sim/sim-store.h"
#include "samples/amt-sim/sim-wsman.h"
#include "tests/support/suite.h"

#define TRANSFER "http://schemas.xmlsoap.org/ws/2004/09/transfer/"
#define PULL	 "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull"

static char path[] = "/tmp/test_sim_storeXXXXXX";
static struct sim_device d;
static struct sim_habits habits;
static struct sim_xml_answer xml;
static const char *answer;
static unsigned status;

static void begin(unsigned major)
{
	sim_device_clear(&d);
	ck_assert_int_eq(sim_device_factory(&d, NULL, (struct sim_device_firmware){ major, 0, 10 },
					    path, NULL), 0);
	d.state = SIM_DEVICE_IN;
	d.pki.on = true;
}

static void setup(void)
{
	close(mkstemp(path));
	memset(&habits, 0, sizeof(habits));
	memset(&xml, 0, sizeof(xml));
	memset(&d, 0, sizeof(d));
	begin(12);
}

static void teardown(void)
{
	sim_xml_answer_clear(&xml);
	sim_device_clear(&d);
	unlink(path);
	strcpy(path, "/tmp/test_sim_storeXXXXXX");
}

/* Ask for ACTION at CLASS. Returns the HTTP status; "answer" and "status" say more. */
static unsigned ask(const char *class, const char *action, const char *body)
{
	char call[SIM_CALL_NAME], text[8192];
	unsigned http;
	size_t size;

	snprintf(text, sizeof(text),
		 "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' "
		 "xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' "
		 "xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'><s:Header>"
		 "<a:Action>%s</a:Action><w:ResourceURI>" SIM_CLASS_AMT "%s</w:ResourceURI>"
		 "</s:Header><s:Body>%s</s:Body></s:Envelope>", action, class, body);
	sim_xml_answer_clear(&xml);
	ck_assert_int_eq(sim_xml_answer_begin(&xml), 0);
	http = sim_wsman_answer(&d, &habits, text, strlen(text), call, &status, &xml);
	answer = sim_xml_answer_end(&xml, &size);
	return http;
}

static unsigned invoke(const char *class, const char *method, const char *arguments)
{
	char action[256], body[8000];

	snprintf(action, sizeof(action), SIM_CLASS_AMT "%s/%s", class, method);
	snprintf(body, sizeof(body), "<g:%s_INPUT xmlns:g='" SIM_CLASS_AMT "%s'>%s</g:%s_INPUT>",
		 method, class, arguments, method);
	return ask(class, action, body);
}

static unsigned write_instance(const char *class, const char *how, const char *fields)
{
	char action[256], body[4096];

	snprintf(action, sizeof(action), TRANSFER "%s", how);
	snprintf(body, sizeof(body), "<g:%s xmlns:g='" SIM_CLASS_AMT "%s'>%s</g:%s>", class, class,
		 fields, class);
	return ask(class, action, body);
}

static unsigned pull(const char *class)
{
	char body[512];

	snprintf(body, sizeof(body), "<e:Pull xmlns:e='http://schemas.xmlsoap.org/ws/2004/09/"
		 "enumeration'><e:EnumerationContext>%s</e:EnumerationContext></e:Pull>", class);
	return ask(class, PULL, body);
}

static unsigned generate(void)
{
	return invoke("AMT_PublicKeyManagementService", "GenerateKeyPair",
		      "<g:KeyAlgorithm>0</g:KeyAlgorithm><g:KeyLength>2048</g:KeyLength>");
}

/* A certificate, signed by another key, for the public key of the answer; as base64. */
static void certify(char *out, size_t size)
{
	char text[1024];
	gnutls_datum_t base64 = { (unsigned char *)text, 0 }, der = { NULL, 0 }, m, e;
	gnutls_x509_privkey_t ca;
	gnutls_x509_crt_t c;
	gnutls_pubkey_t key;
	const char *begins = strstr(answer, "<g:DERKey>");

	ck_assert_ptr_nonnull(begins);
	ck_assert_int_eq(sscanf(begins, "<g:DERKey>%1000[^<]", text), 1);
	ck_assert(strncmp(text, "MIIBCgKC", 8) == 0);
	base64.size = (unsigned)strlen(text);
	ck_assert_int_eq(gnutls_base64_decode2(&base64, &der), 0);
	/* SEQUENCE { INTEGER of 257 bytes, INTEGER of 3 } */
	ck_assert_uint_eq(der.size, 4 + 4 + 257 + 2 + 3);
	m = (gnutls_datum_t){ der.data + 8, 257 };
	e = (gnutls_datum_t){ der.data + 8 + 257 + 2, 3 };
	ck_assert_int_eq(gnutls_pubkey_init(&key), 0);
	ck_assert_int_eq(gnutls_pubkey_import_rsa_raw(key, &m, &e), 0);
	ck_assert_int_eq(gnutls_x509_privkey_init(&ca), 0);
	ck_assert_int_eq(gnutls_x509_privkey_generate(ca, GNUTLS_PK_RSA, 2048, 0), 0);
	ck_assert_int_eq(gnutls_x509_crt_init(&c), 0);
	gnutls_x509_crt_set_version(c, 3);
	gnutls_x509_crt_set_serial(c, "\1", 1);
	gnutls_x509_crt_set_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, "pc1.example.org", 15);
	gnutls_x509_crt_set_activation_time(c, time(NULL) - 60);
	gnutls_x509_crt_set_expiration_time(c, time(NULL) + 86400);
	ck_assert_int_eq(gnutls_x509_crt_set_pubkey(c, key), 0);
	ck_assert_int_eq(gnutls_x509_crt_sign2(c, c, ca, GNUTLS_DIG_SHA256, 0), 0);
	gnutls_free(der.data);
	ck_assert_int_eq(gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_DER, &der), 0);
	ck_assert_int_eq(gnutls_base64_encode2(&der, &base64), 0);
	snprintf(out, size, "<g:CertificateBlob>%s</g:CertificateBlob>", (char *)base64.data);
	gnutls_free(base64.data);
	gnutls_free(der.data);
	gnutls_x509_crt_deinit(c);
	gnutls_x509_privkey_deinit(ca);
	gnutls_pubkey_deinit(key);
}

static const char context[] =
	"<g:ElementInContext><a:Address>x</a:Address><a:ReferenceParameters><w:ResourceURI>"
	SIM_CLASS_AMT "AMT_PublicKeyCertificate</w:ResourceURI><w:SelectorSet><w:Selector "
	"Name='InstanceID'>Intel(r) AMT Certificate: Handle: 0</w:Selector></w:SelectorSet>"
	"</a:ReferenceParameters></g:ElementInContext>";

static unsigned bind_certificate(const char *how)
{
	return write_instance("AMT_TLSCredentialContext", how, context);
}

static unsigned switch_on(const char *instance)
{
	char fields[512];

	snprintf(fields, sizeof(fields),
		 "<g:InstanceID>%s</g:InstanceID><g:Enabled>true</g:Enabled>"
		 "<g:MutualAuthentication>false</g:MutualAuthentication>"
		 "<g:AcceptNonSecureConnections>false</g:AcceptNonSecureConnections>", instance);
	return write_instance("AMT_TLSSettingData", "Put", fields);
}

/* The machine has a key pair and a certificate for it. */
static void give_certificate(void)
{
	char blob[4096];

	ck_assert_uint_eq(generate(), 200);
	ck_assert_uint_eq(status, SIM_OK);
	ck_assert_uint_eq(pull("AMT_PublicPrivateKeyPair"), 200);
	certify(blob, sizeof(blob));
	ck_assert_uint_eq(invoke("AMT_PublicKeyManagementService", "AddCertificate", blob), 200);
	ck_assert_uint_eq(status, SIM_OK);
	ck_assert_ptr_nonnull(strstr(answer, ">Intel(r) AMT Certificate: Handle: 0<"));
}

START_TEST(a_certificate_is_bound_served_from_the_commit_on_and_kept)
{
	struct sim_device again;

	give_certificate();
	ck_assert_uint_eq(bind_certificate("Create"), 200);
	ck_assert_uint_eq(switch_on(SIM_STORE_REMOTE), 200);
	ck_assert_ptr_nonnull(strstr(answer, "<g:Enabled>true</g:Enabled>"));
	ck_assert(!sim_store_of(&d)->served.enabled);
	d.admin_set = true;
	ck_assert_uint_eq(sim_setup_commit(&d), SIM_OK);
	ck_assert(sim_store_of(&d)->served.enabled && !sim_store_of(&d)->served.plain_too);
	ck_assert_int_eq(sim_device_load(&again, path, NULL), 0);
	ck_assert_ptr_nonnull(again.store);
	ck_assert_uint_eq(again.store->size, d.store->size);
	ck_assert_mem_eq(again.store->certificate, d.store->certificate, d.store->size);
	ck_assert_mem_eq(again.store->key, d.store->key, d.store->key_size);
	ck_assert(again.store->bound && again.store->served.enabled);
	ck_assert(!again.store->served.plain_too && again.store->local.plain_too);
	sim_device_clear(&again);
	ck_assert_uint_eq(sim_setup_unprovision(&d), SIM_OK);
	ck_assert_ptr_null(d.store);
}
END_TEST

START_TEST(what_is_not_there_cannot_be_read_or_used)
{
	ck_assert_uint_eq(pull("AMT_PublicPrivateKeyPair"), 200);
	ck_assert_ptr_null(strstr(answer, "DERKey"));
	ck_assert_uint_eq(pull("AMT_TLSCredentialContext"), 200);
	ck_assert_ptr_null(strstr(answer, "ElementInContext"));
	ck_assert_uint_eq(invoke("AMT_PublicKeyManagementService", "AddCertificate",
				 "<g:CertificateBlob>MIIB</g:CertificateBlob>"), 200);
	ck_assert_uint_eq(status, SIM_INVALID_PARAMETER);
	ck_assert_uint_eq(bind_certificate("Create"), 400);
	ck_assert_uint_eq(switch_on(SIM_STORE_REMOTE), 400);
	ck_assert_uint_eq(switch_on("another one"), 400);
	ck_assert_uint_eq(invoke("AMT_PublicKeyManagementService", "GenerateKeyPair",
				 "<g:KeyAlgorithm>0</g:KeyAlgorithm><g:KeyLength>1024</g:KeyLength>"
				 ), 200);
	ck_assert_uint_eq(status, SIM_INVALID_PARAMETER);
}
END_TEST

START_TEST(a_certificate_of_another_key_is_refused)
{
	char blob[4096];

	ck_assert_uint_eq(generate(), 200);
	pull("AMT_PublicPrivateKeyPair");
	certify(blob, sizeof(blob));
	ck_assert_uint_eq(generate(), 200);
	ck_assert_uint_eq(invoke("AMT_PublicKeyManagementService", "AddCertificate", blob), 200);
	ck_assert_uint_eq(status, SIM_INVALID_PARAMETER);
}
END_TEST

START_TEST(from_amt_16_on_the_context_is_there_and_has_to_be_put)
{
	begin(16);
	give_certificate();
	ck_assert_uint_eq(pull("AMT_TLSCredentialContext"), 200);
	ck_assert_ptr_nonnull(strstr(answer, "Certificate: Handle: 1<"));
	ck_assert_uint_eq(bind_certificate("Create"), 200);
	ck_assert(!sim_store_of(&d)->bound);
	ck_assert_uint_eq(bind_certificate("Put"), 200);
	ck_assert(sim_store_of(&d)->bound);
	ck_assert_uint_eq(generate(), 200);
	ck_assert_uint_eq(status, SIM_NOT_PERMITTED);
}
END_TEST

START_TEST(both_settings_in_one_commit_are_ignored)
{
	give_certificate();
	ck_assert_uint_eq(bind_certificate("Create"), 200);
	ck_assert_uint_eq(switch_on(SIM_STORE_LOCAL), 200);
	ck_assert_uint_eq(switch_on(SIM_STORE_REMOTE), 200);
	d.admin_set = true;
	ck_assert_uint_eq(sim_setup_commit(&d), SIM_OK);
	ck_assert(!sim_store_of(&d)->served.enabled);
	ck_assert_uint_eq(switch_on(SIM_STORE_REMOTE), 200);
	ck_assert_uint_eq(sim_setup_commit(&d), SIM_OK);
	ck_assert(sim_store_of(&d)->served.enabled);
}
END_TEST

START_TEST(a_key_pair_takes_as_many_tries_as_asked_for)
{
	habits.not_ready = 2;
	ck_assert_uint_eq(generate(), 400);
	ck_assert_uint_eq(generate(), 400);
	ck_assert_uint_eq(generate(), 200);
	ck_assert_uint_eq(status, SIM_OK);
}
END_TEST

START_TEST(the_audit_record_says_who_set_the_machine_up)
{
	const char *service = "AMT_SetupAndConfigurationService";

	ck_assert_uint_eq(invoke(service, "GetProvisioningAuditRecord", ""), 200);
	ck_assert_uint_eq(status, SIM_NOT_READY);
	d.state = SIM_DEVICE_POST;
	invoke(service, "GetProvisioningAuditRecord", "");
	ck_assert_uint_eq(status, SIM_DATA_MISSING);
	d.audit = (struct sim_audit){ .set = true, .root = { .type = SIM_ROOT_SHA1, .length = 20 },
				      .serials = 1, .serial = { { 0xab } }, .serial_bytes = { 1 },
				      .name = "server.example.org", .from = "127.0.0.7" };
	invoke(service, "GetProvisioningAuditRecord", "");
	ck_assert_uint_eq(status, SIM_OK);
	ck_assert_ptr_nonnull(strstr(answer, "<g:ProvisioningTLSMode>0<"));
	ck_assert_ptr_nonnull(strstr(answer, "<g:CaCertificateSerial1>ab<"));
	ck_assert_ptr_nonnull(strstr(answer, "<g:IsTimeValid>false<"));
	ck_assert_ptr_nonnull(strstr(answer, "<g:ProvServerIP>127.0.0.7<"));
	ck_assert_ptr_nonnull(strstr(answer, "<g:ProvServerFQDN>server.example.org<"));
}
END_TEST

START_TEST(a_wait_is_one_to_twenty_four_hours_and_before_the_commit)
{
	const char *service = "AMT_SetupAndConfigurationService";
	static const char *const bad[] = { "0", "25", "", "x" };
	char text[64];

	invoke(service, "ExtendProvisioningPeriod", "<g:Duration>24</g:Duration>");
	ck_assert_uint_eq(status, SIM_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "<g:Duration>%s</g:Duration>", bad[i]);
		invoke(service, "ExtendProvisioningPeriod", text);
		ck_assert_uint_eq(status, SIM_INVALID_PARAMETER);
	}
	d.state = SIM_DEVICE_POST;
	invoke(service, "ExtendProvisioningPeriod", "<g:Duration>24</g:Duration>");
	ck_assert_uint_eq(status, SIM_INVALID_STATE);
}
END_TEST

START_TEST(hexadecimal_digits_are_taken_only_by_a_machine_with_that_habit)
{
	static const char hex[] = "<g:Username>admin</g:Username><g:DigestPassword>"
				  "000102030405060708090a0b0c0d0e0f</g:DigestPassword>";

	invoke("AMT_AuthorizationService", "SetAdminAclEntryEx", hex);
	ck_assert_uint_eq(status, SIM_INVALID_PARAMETER);
	habits.hex_password = true;
	invoke("AMT_AuthorizationService", "SetAdminAclEntryEx", hex);
	ck_assert_uint_eq(status, SIM_OK);
	ck_assert_uint_eq(d.digest[15], 15);
}
END_TEST

TEST_SUITE("sim_store")
{
	TCase *t = tcase_create("store");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_certificate_is_bound_served_from_the_commit_on_and_kept);
	tcase_add_test(t, what_is_not_there_cannot_be_read_or_used);
	tcase_add_test(t, a_certificate_of_another_key_is_refused);
	tcase_add_test(t, from_amt_16_on_the_context_is_there_and_has_to_be_put);
	tcase_add_test(t, both_settings_in_one_commit_are_ignored);
	tcase_add_test(t, a_key_pair_takes_as_many_tries_as_asked_for);
	tcase_add_test(t, the_audit_record_says_who_set_the_machine_up);
	tcase_add_test(t, a_wait_is_one_to_twenty_four_hours_and_before_the_commit);
	tcase_add_test(t, hexadecimal_digits_are_taken_only_by_a_machine_with_that_habit);
	suite_add_tcase(suite, t);
}
