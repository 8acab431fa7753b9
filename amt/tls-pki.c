/* The TLS context of a call-back by certificate. */
#include "amt/tls-pki.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "amt/chain.h"

void tls_pki_init(struct tls_pki *t, const struct chain *chain, const struct ondie *ondie)
{
	const char *cn = chain_facts(chain)->cn;

	*t = (struct tls_pki){ .chain = chain, .ondie = ondie };
	snprintf(t->name, sizeof(t->name), "%.*s", TLS_PKI_NAME - 1, *cn ? cn : "without a name");
}

/* Where a TLS context keeps the chain that it belongs to. */
static int context_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

static struct tls_pki *of_ssl(const SSL *ssl)
{
	return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index());
}

/* In TLS 1.3 the machine's no comes after the handshake, with what is read first. */
static void on_tls(const SSL *ssl, int where, int value)
{
	struct tls_pki *t = of_ssl(ssl);

	if (!t)
		return;
	if (where == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
		t->alert = value & 0xff;
	if ((where & SSL_CB_EXIT) && value <= 0 && ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SSL)
		t->reason = ERR_GET_REASON(ERR_peek_error());
	if (!(where & SSL_CB_HANDSHAKE_DONE))
		return;
	t->finished = true;
	t->version = SSL_version(ssl);
	t->suite = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl));
	if (t->ondie)
		t->machine = ondie_judge(t->ondie, ssl);
}

static void on_message(int sent, int version, int type, const void *data, size_t n, SSL *ssl,
		       void *user)
{
	struct tls_pki *t = of_ssl(ssl);
	const unsigned char *m = data;

	if (t && !sent && type == SSL3_RT_HANDSHAKE && n && m[0] == SSL3_MT_CERTIFICATE_REQUEST)
		t->asked = true;
}

int tls_pki_prepare(struct tls_pki *t, SSL_CTX *ctx, struct fault *fault)
{
	t->asked = t->finished = false;
	t->alert = t->reason = t->version = 0;
	t->suite = 0;
	t->machine = ONDIE_NOT_SHOWN;
	if (!SSL_CTX_set_ex_data(ctx, context_index(), t))
		return fault_set(fault, KIT_ERR_LIBRARY, "OpenSSL cannot prepare a connection");
	SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_info_callback(ctx, on_tls);
	SSL_CTX_set_msg_callback(ctx, on_message);
	return chain_use(t->chain, ctx, fault);
}

/* ---- what went wrong ---- */

/* Alerts about a certificate: what they mean, and what helps. */
static const struct {
	int alert;
	const char *name, *hint;
} refusals[] = {
	{ SSL_AD_UNKNOWN_CA, "unknown CA",
	  "its root is not active in the machine: put the root's hash on the machine's stick "
	  "(amt-setupbin create --pki --cert), or use a certificate of one of the roots that the "
	  "machine has (amt-provisionctl certificates match)" },
	{ SSL_AD_CERTIFICATE_EXPIRED, "certificate expired",
	  "renew it (amt-provisionctl certificates renew), or set the clock of the machine" },
	{ SSL_AD_CERTIFICATE_REVOKED, "certificate revoked", "get another certificate" },
	{ SSL_AD_UNSUPPORTED_CERTIFICATE, "unsupported certificate",
	  "from AMT 16 on firmware takes no SHA-1 and no RSA key under 2048 bits, up to AMT 5 none "
	  "over 2048, and mostly no elliptic curves: amt-provisionctl certificates check" },
	{ SSL_AD_ACCESS_DENIED, "access denied", NULL },
	{ SSL_AD_BAD_CERTIFICATE, "bad certificate", NULL },
	{ SSL_AD_CERTIFICATE_UNKNOWN, "certificate unknown", NULL },
	{ SSL_AD_DECRYPT_ERROR, "decrypt error", NULL },
	{ SSL_AD_DECODE_ERROR, "decode error", NULL },
	{ SSL_AD_CERTIFICATE_REQUIRED, "certificate required", NULL },
	{ SSL_AD_HANDSHAKE_FAILURE, "handshake failure", NULL },
	{ SSL_AD_NO_CERTIFICATE, "no certificate", NULL },
};

#define ANY_REFUSAL \
	"compare its name with the machine's DNS suffix (DHCP option 15, or the PKI DNS suffix " \
	"of its stick or MEBx), see that its root's hash is active in the machine, and run " \
	"amt-provisionctl certificates check"

static int refusal(int alert)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (refusals[i].alert == alert)
			return (int)i;
	return -1;
}

/* Before the machine has asked for the chain, an alert is about something else. */
static bool is_told(const struct tls_pki *t)
{
	return t->asked && refusal(t->alert) >= 0;
}

bool tls_pki_is_refused(const struct tls_pki *t)
{
	bool just_ended = !t->reason || t->reason == SSL_R_UNEXPECTED_EOF_WHILE_READING;

	return is_told(t) || (t->asked && !t->alert && just_ended);
}

/* Does OpenSSL refuse the machine for a rule of this computer, not for what the machine did? */
static bool is_own_policy(int reason)
{
	switch (reason) {
	case SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
	case SSL_R_NO_CIPHERS_AVAILABLE:
	case SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED:
		return true;
	default:
		return false;
	}
}

static int explain_refusal(const struct tls_pki *t, const char *where, struct fault *f)
{
	const char *hint = refusals[refusal(t->alert)].hint;

	return fault_set(f, KIT_ERR_REFUSED, "%s does not accept this server's certificate %s "
			 "(TLS alert %d, %s)\n%s", where, t->name, t->alert,
			 refusals[refusal(t->alert)].name, hint ? hint : ANY_REFUSAL);
}

int tls_pki_explain(const struct tls_pki *t, const char *where, const char *detail,
		    struct fault *f)
{
	if (is_told(t))
		return explain_refusal(t, where, f);
	if (is_own_policy(t->reason))
		return fault_set(f, KIT_ERR_PROTOCOL, "OpenSSL on this server refuses the TLS that "
				 "%s speaks: %s\n"
				 "this is a rule of this server, not an error of the machine: see "
				 "MinProtocol and CipherString in its openssl.cnf", where, detail);
	if (tls_pki_is_refused(t))
		return fault_set(f, KIT_ERR_NETWORK, "%s closed the connection when it had seen "
				 "this server's certificate %s\n"
				 "some firmware refuses a certificate so: %s", where, t->name,
				 ANY_REFUSAL);
	if (t->finished && !t->asked)
		return fault_set(f, KIT_ERR_PROTOCOL, "%s speaks TLS, but does not ask for this "
				 "server's certificate (%s)\n"
				 "it may be set up already, or wait for no set-up by certificate: "
				 "see Remote Setup in its MEBx", where, detail);
	if (t->alert == SSL_AD_HANDSHAKE_FAILURE || t->alert == SSL_AD_PROTOCOL_VERSION ||
	    t->alert == SSL_AD_INSUFFICIENT_SECURITY)
		return fault_set(f, KIT_ERR_PROTOCOL, "%s and this server know no version and "
				 "suite of TLS in common (TLS alert %d)\n"
				 "update the machine's AMT firmware; where it wants a set-up by "
				 "PID and PPS, give it a stick with such a key", where, t->alert);
	if (t->asked)
		return fault_set(f, KIT_ERR_NETWORK, "the connection to %s broke during the TLS "
				 "handshake (%s)", where, detail);
	return fault_set(f, KIT_ERR_PROTOCOL, "%s does not speak TLS that this server knows (%s)\n"
			 "is it the machine itself that answers there, and does it wait for its "
			 "set-up?", where, detail);
}

const char *tls_pki_version(const struct tls_pki *t)
{
	switch (t->version) {
	case TLS1_VERSION:
		return "TLS 1.0";
	case TLS1_1_VERSION:
		return "TLS 1.1";
	case TLS1_2_VERSION:
		return "TLS 1.2";
	case TLS1_3_VERSION:
		return "TLS 1.3";
	default:
		return "";
	}
}
