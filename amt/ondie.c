/* Chains of certificates that come with the chip (ODCA), from AMT 15 on. */
#include "amt/ondie.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES	65536
#define LONGEST	8	/* certificates of a chain; real ones have 4 or 6 */

/* https://tsci.intel.com/content/OnDieCA/certs/OnDie_CA_RootCA_Certificate.cer */
static const char intel_root[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIICujCCAj6gAwIBAgIUPLLiHTrwySRtWxR4lxKLlu7MJ7wwDAYIKoZIzj0EAwMF\n"
	"ADCBiTELMAkGA1UEBgwCVVMxCzAJBgNVBAgMAkNBMRQwEgYDVQQHDAtTYW50YSBD\n"
	"bGFyYTEaMBgGA1UECgwRSW50ZWwgQ29ycG9yYXRpb24xIzAhBgNVBAsMGk9uRGll\n"
	"IENBIFJvb3QgQ2VydCBTaWduaW5nMRYwFAYDVQQDDA13d3cuaW50ZWwuY29tMB4X\n"
	"DTE5MDQwMzAwMDAwMFoXDTQ5MTIzMTIzNTk1OVowgYkxCzAJBgNVBAYMAlVTMQsw\n"
	"CQYDVQQIDAJDQTEUMBIGA1UEBwwLU2FudGEgQ2xhcmExGjAYBgNVBAoMEUludGVs\n"
	"IENvcnBvcmF0aW9uMSMwIQYDVQQLDBpPbkRpZSBDQSBSb290IENlcnQgU2lnbmlu\n"
	"ZzEWMBQGA1UEAwwNd3d3LmludGVsLmNvbTB2MBAGByqGSM49AgEGBSuBBAAiA2IA\n"
	"BK8SfB2UflvXZqb5Kc3+lokrABHWazvNER2axPURP64HILkXChPB0OEX5hLB7Okw\n"
	"7Dy6oFqB5tQVDupgfvUX/SgYBEaDdG5rCVFrGAis6HX5TA2ewQmj14r2ncHBgnpp\n"
	"B6NjMGEwHwYDVR0jBBgwFoAUtFjJ9uQIQKPyWMg5eG6ujgqNnDgwDwYDVR0TAQH/\n"
	"BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFLRYyfbkCECj8ljIOXhu\n"
	"ro4KjZw4MAwGCCqGSM49BAMDBQADaAAwZQIxAP9B4lFF86uvpHmkcp61cWaU565a\n"
	"yE3p7ezu9haLE/lPLh5hFQfmTi1nm/sG3JEXMQIwNpKfHoDmUTrUyezhhfv3GG+1\n"
	"CqBXstmCYH40buj9jKW3pHWc71s9arEmPWli7I8U\n"
	"-----END CERTIFICATE-----\n";

struct ondie {
	X509_STORE *roots;
};

/* All certificates of PEM; at least one. */
static int add_roots(struct ondie *o, const void *pem, size_t n, struct fault *fault)
{
	BIO *in = BIO_new_mem_buf(pem, (int)n);
	size_t count = 0;
	X509 *root;
	int rc = 0;

	if (!in)
		return fault_nomem(fault);
	while (!rc && (root = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
		if (!X509_STORE_add_cert(o->roots, root))
			rc = fault_nomem(fault);
		X509_free(root);
		count++;
	}
	BIO_free(in);
	if (!rc && !count)
		rc = fault_set(fault, KIT_ERR_FORMAT, "there is no certificate in PEM in it");
	return rc;
}

int ondie_new(struct ondie **out, const void *more, size_t n, struct fault *fault)
{
	struct ondie *o = calloc(1, sizeof(*o));
	int rc = 0;

	*out = NULL;
	if (!o)
		return fault_nomem(fault);
	o->roots = X509_STORE_new();
	if (!o->roots || !X509_STORE_set_flags(o->roots, X509_V_FLAG_NO_CHECK_TIME))
		rc = fault_nomem(fault);
	if (!rc)
		rc = add_roots(o, intel_root, sizeof(intel_root) - 1, fault);
	if (!rc && more)
		rc = add_roots(o, more, n, fault);
	if (rc) {
		ondie_free(&o);
		return rc;
	}
	*out = o;
	return 0;
}

int ondie_open(struct ondie **out, const char *path, struct fault *fault)
{
	char pem[FILE_BYTES];
	size_t n;
	FILE *f;
	int rc;

	*out = NULL;
	if (!*path)
		return ondie_new(out, NULL, 0, fault);
	f = fopen(path, "re");
	if (!f)
		return fault_sys(fault, errno, "cannot read %s", path);
	n = fread(pem, 1, sizeof(pem), f);
	rc = ferror(f) ? fault_sys(fault, EIO, "cannot read %s", path) : 0;
	fclose(f);
	if (!rc)
		rc = ondie_new(out, pem, n, fault);
	return rc ? fault_context(fault, "%s", path) : 0;
}

void ondie_free(struct ondie **o)
{
	if (!*o)
		return;
	X509_STORE_free((*o)->roots);
	free(*o);
	*o = NULL;
}

/* Chips have other certificates from that root, too: AMT's leaf has a name of its own. */
static bool is_of_amt(X509 *leaf)
{
	static const char *const names[] = { "AMT RCFG", "iAMT CSME IDevID RCFG" };
	char name[64];

	if (X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, name,
				      sizeof(name)) <= 0)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

enum ondie_verdict ondie_judge(const struct ondie *o, const SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	X509_STORE_CTX *verify;
	bool good;

	if (!chain || sk_X509_num(chain) < 2)
		return ONDIE_NOT_SHOWN;
	if (sk_X509_num(chain) > LONGEST || !is_of_amt(sk_X509_value(chain, 0)))
		return ONDIE_UNKNOWN;
	verify = X509_STORE_CTX_new();
	good = verify && X509_STORE_CTX_init(verify, o->roots, sk_X509_value(chain, 0), chain) &&
	       X509_verify_cert(verify) == 1;
	X509_STORE_CTX_free(verify);
	return good ? ONDIE_GENUINE : ONDIE_UNKNOWN;
}
