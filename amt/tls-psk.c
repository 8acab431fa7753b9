/* The TLS context of a call-back. */
#include "amt/tls-psk.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "common/secret.h"

/* Suites of RFC 4279 that old firmware may insist on. */
#define SUITE_PSK_RC4	0x008a
#define SUITE_PSK_3DES	0x008b

#define SERVER_HELLO	2	/* handshake type */

void tls_psk_init(struct tls_psk *t, const char *pid, const char *pps)
{
	memset(t, 0, sizeof(*t));
	memcpy(t->pid, pid, PID_LENGTH);
	memcpy(t->pps, pps, PPS_LENGTH);
}

void tls_psk_wipe(struct tls_psk *t)
{
	secret_wipe(t, sizeof(*t));
}

/* Where a TLS context keeps the key that it belongs to. */
static int context_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

static struct tls_psk *of_ssl(const SSL *ssl)
{
	return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index());
}

static unsigned on_psk(SSL *ssl, const char *hint, char *identity, unsigned max_identity,
		       unsigned char *psk, unsigned max_psk)
{
	struct tls_psk *t = of_ssl(ssl);

	if (!t || max_identity < PID_LENGTH + 1 || max_psk < PPS_LENGTH)
		return 0;
	t->asked = true;
	memcpy(identity, t->pid, PID_LENGTH + 1);
	memcpy(psk, t->pps, PPS_LENGTH);
	return PPS_LENGTH;
}

/*
 * A finished handshake means that the machine's Finished message was right, which takes
 * the PPS; but only if it was made new, with the PSK of this very connection.
 */
static void on_tls(const SSL *ssl, int where, int value)
{
	struct tls_psk *t = of_ssl(ssl);
	const SSL_CIPHER *cipher;

	if (!t)
		return;
	if ((where & SSL_CB_ALERT) && value >> 8 == SSL3_AL_FATAL)
		t->alert = value & 0xff;
	if ((where & SSL_CB_EXIT) && value <= 0 && ERR_peek_error())
		t->reason = ERR_GET_REASON(ERR_peek_error());
	if (!(where & SSL_CB_HANDSHAKE_DONE) || !t->asked || SSL_session_reused(ssl))
		return;
	cipher = SSL_get_current_cipher(ssl);
	if (cipher && SSL_CIPHER_get_kx_nid(cipher) == NID_kx_psk)
		t->proved = true;
}

/*
 * The suite of a ServerHello, also of one that OpenSSL refuses:
 *   OFFSET  SIZE  FIELD
 *      0      1   type 2
 *      1      3   length
 *      4      2   version
 *      6     32   random
 *     38      1   length n of the session's id
 *     39      n   the id
 *   39+n      2   suite, big-endian
 */
static void on_message(int sent, int version, int type, const void *data, size_t n, SSL *ssl,
		       void *user)
{
	struct tls_psk *t = of_ssl(ssl);
	const unsigned char *m = data;
	size_t at;

	if (!t || sent || type != SSL3_RT_HANDSHAKE || n < 39 || m[0] != SERVER_HELLO)
		return;
	at = 39u + m[38];
	if (at + 2 <= n)
		t->suite = (unsigned)m[at] << 8 | m[at + 1];
}

int tls_psk_prepare(struct tls_psk *t, SSL_CTX *ctx, struct fault *fault)
{
	t->asked = false;
	t->alert = t->reason = 0;
	t->suite = 0;
	if (!SSL_CTX_set_ex_data(ctx, context_index(), t))
		return fault_set(fault, KIT_ERR_LIBRARY, "OpenSSL cannot prepare a connection");
	SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_psk_client_callback(ctx, on_psk);
	SSL_CTX_set_info_callback(ctx, on_tls);
	SSL_CTX_set_msg_callback(ctx, on_message);
	return 0;
}

/* Alerts by which either end says that the other's key is not its own. */
static bool is_key_alert(int alert)
{
	switch (alert) {
	case SSL_AD_BAD_RECORD_MAC:
	case SSL_AD_DECRYPTION_FAILED:
	case SSL_AD_HANDSHAKE_FAILURE:
	case SSL_AD_DECRYPT_ERROR:
	case SSL_AD_UNKNOWN_PSK_IDENTITY:
	case SSL_AD_ILLEGAL_PARAMETER:
		return true;
	default:
		return false;
	}
}

/* Does OpenSSL refuse the machine for a rule of this computer, not for what the machine did? */
static bool is_own_policy(int reason)
{
	switch (reason) {
	case SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
	case SSL_R_NO_CIPHERS_AVAILABLE:
		return true;
	default:
		return false;
	}
}

static const char *lacking_suite(unsigned suite)
{
	return suite == SUITE_PSK_RC4 ? "RC4" : suite == SUITE_PSK_3DES ? "3DES" : NULL;
}

int tls_psk_explain(const struct tls_psk *t, const char *where, const char *detail,
		    struct fault *f)
{
	const char *lacking = lacking_suite(t->suite);
	char pid[PID_SHOWN + 1];

	pidpps_show_pid(t->pid, pid);
	if (lacking)
		return fault_set(f, KIT_ERR_PROTOCOL, "%s encrypts with %s (TLS suite 0x%04x), "
				 "which the OpenSSL of this server lacks\n"
				 "update the machine's AMT firmware: later versions encrypt with "
				 "AES", where, lacking, t->suite);
	if (t->asked && is_key_alert(t->alert))
		return fault_set(f, KIT_ERR_FORGED, "%s could not prove the PPS of PID %s (TLS "
				 "alert %d)\n"
				 "its key differs from the map's: compare the stick that it was "
				 "set up from, or prepare a new one and set the machine up again",
				 where, pid, t->alert);
	if (t->proved)
		return fault_set(f, KIT_ERR_NETWORK, "the connection to %s broke and could not be "
				 "made again (%s)", where, detail);
	if (is_own_policy(t->reason))
		return fault_set(f, KIT_ERR_PROTOCOL, "OpenSSL on this server refuses the TLS that "
				 "%s speaks: %s\n"
				 "this is a rule of this server, not an error of the machine: see "
				 "MinProtocol and CipherString in its openssl.cnf", where, detail);
	if (t->reason == SSL_R_UNSUPPORTED_PROTOCOL)
		return fault_set(f, KIT_ERR_PROTOCOL, "%s answers with a version of TLS other than "
				 "1.0 and 1.1, the ones that this server speaks with a pre-shared "
				 "key", where);
	if (t->asked)
		return fault_set(f, KIT_ERR_NETWORK, "the connection to %s broke during the TLS "
				 "handshake", where);
	if (t->alert == SSL_AD_HANDSHAKE_FAILURE)
		return fault_set(f, KIT_ERR_PROTOCOL, "%s accepts none of the TLS suites that this "
				 "server offers: AES-128 and AES-256 with a pre-shared key\n"
				 "it may know RC4 or 3DES only, which the OpenSSL of this server "
				 "lacks (update its AMT firmware), or may not wait for its set-up",
				 where);
	return fault_set(f, KIT_ERR_PROTOCOL, "%s does not speak TLS with a pre-shared key (%s)\n"
			 "is it the machine itself that answers there, does it have AMT 2.0 to 10, "
			 "and does it wait for its set-up?", where, detail);
}
