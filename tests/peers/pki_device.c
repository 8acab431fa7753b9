/*
 * A machine that is set up by certificate, on GnuTLS alone and with nothing of ours in it: one
 * hello of version 3, then calls on one address, until its new password was used after
 * CommitChanges. What it was given goes to standard output, what it did to standard error.
 *
 *   pki_device ADDRESS PORT SERVER-PORT UUID(32 hex digits, as sent) PRIORITY CERTIFICATE KEY ROOT
 *              SUFFIX [PASSWORD-FILE]
 *
 * CERTIFICATE and KEY are its own, ROOT the one that it trusts, SUFFIX the domain that the name of
 * the server has to end with. With PASSWORD-FILE it wants a login with it before the set-up, too.
 * Exit status 0 when it is set up, 1 when it refused the server's certificate, 2 for all else.
 */
#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define REALM		"Digest:0123456789ABCDEF0123456789ABCDEF"
#define NONCE		"f0e1d2c3b4a5968778695a4b3c2d1e0f"
#define AMT_OID		"2.16.840.1.113741.1.2.3"
#define AMT_OU		"Intel(R) Client Setup Certificate"
#define MAX_CERTIFICATES 8

/* There is one machine. */
static struct {
	unsigned char uuid[16];
	unsigned char root[32];		/* SHA-256 of the certificate that it trusts */
	const char *suffix;
	char login[33];			/* MD5(admin:realm:password) in hex; "" before it has one */
	char mebx[64];
	bool timed, committed, done, refused;
} machine;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "pki_device: %s\n", what);
	exit(2);
}

static void to_hex(const unsigned char *bytes, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

static void md5_hex(const char *text, char out[static 33])
{
	unsigned char digest[16];

	if (gnutls_hash_fast(GNUTLS_DIG_MD5, text, strlen(text), digest) < 0)
		die("no MD5");
	to_hex(digest, sizeof(digest), out);
}

/* The text between BEGIN and END, or "". */
static const char *between(const char *text, const char *begin, const char *end, char *out,
			   size_t size)
{
	const char *from = strstr(text, begin), *to;

	*out = '\0';
	if (!from)
		return out;
	from += strlen(begin);
	to = strstr(from, end);
	if (to && (size_t)(to - from) < size) {
		memcpy(out, from, (size_t)(to - from));
		out[to - from] = '\0';
	}
	return out;
}

/* The server's certificate is for this, and has a name that ends with the suffix. */
static const char *leaf_wrong(gnutls_x509_crt_t leaf)
{
	bool server = false, amt = false;
	char oid[64], name[256];
	size_t size, suffix = strlen(machine.suffix), length;

	for (unsigned i = 0;; i++) {
		size = sizeof(oid);
		if (gnutls_x509_crt_get_key_purpose_oid(leaf, i, oid, &size, NULL) < 0)
			break;
		server |= strcmp(oid, GNUTLS_KP_TLS_WWW_SERVER) == 0;
		amt |= strcmp(oid, AMT_OID) == 0;
	}
	size = sizeof(name);
	if (gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, 0, 0,
					  name, &size) == 0)
		amt |= strcmp(name, AMT_OU) == 0;
	if (!server || !amt)
		return "the certificate is for something else";
	size = sizeof(name);
	if (gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name,
					  &size) != 0)
		return "the certificate has no name";
	length = strlen(name);
	if (length < suffix || strcasecmp(name + length - suffix, machine.suffix) != 0 ||
	    (length > suffix && name[length - suffix - 1] != '.'))
		return "the certificate has another name";
	return NULL;
}

/* What is wrong with a chain, leaf first and root last; NULL: nothing. */
static const char *chain_wrong(gnutls_x509_crt_t *chain, unsigned n)
{
	unsigned char digest[32];
	size_t size = sizeof(digest);
	unsigned status = 0;

	if (gnutls_x509_crt_get_fingerprint(chain[n - 1], GNUTLS_DIG_SHA256, digest, &size) < 0 ||
	    memcmp(digest, machine.root, size) != 0)
		return "the last certificate is not a root that is trusted";
	if (gnutls_x509_crt_list_verify(chain, (int)n, &chain[n - 1], 1, NULL, 0,
					GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) < 0 || status)
		return "the chain is not right";
	return leaf_wrong(chain[0]);
}

/* Called by GnuTLS in the handshake. */
static int check_server(gnutls_session_t session)
{
	gnutls_x509_crt_t chain[MAX_CERTIFICATES];
	unsigned n = 0, read = 0;
	const gnutls_datum_t *shown = gnutls_certificate_get_peers(session, &n);
	const char *wrong = NULL;

	if (!shown || n == 0 || n > MAX_CERTIFICATES)
		wrong = "no certificate, or too many";
	for (; !wrong && read < n; read++) {
		gnutls_x509_crt_init(&chain[read]);
		if (gnutls_x509_crt_import(chain[read], &shown[read], GNUTLS_X509_FMT_DER) < 0)
			wrong = "a certificate is not readable";
	}
	if (!wrong)
		wrong = chain_wrong(chain, n);
	while (read > 0)
		gnutls_x509_crt_deinit(chain[--read]);
	fprintf(stderr, "pki_device: %u certificates: %s\n", n, wrong ? wrong : "accepted");
	machine.refused = wrong;
	return wrong ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

/* Is the request's login the one for the password that the machine has? */
static bool logged_in(const char *head)
{
	char nc[16], cnonce[128], uri[64], response[64], inner[33], outer[33], text[512];

	between(head, "nc=", ",", nc, sizeof(nc));
	between(head, "cnonce=\"", "\"", cnonce, sizeof(cnonce));
	between(head, "uri=\"", "\"", uri, sizeof(uri));
	between(head, "response=\"", "\"", response, sizeof(response));
	if (!strstr(head, "username=\"admin\"") || !strstr(head, "nonce=\"" NONCE "\""))
		return false;
	snprintf(text, sizeof(text), "POST:%s", uri);
	md5_hex(text, inner);
	snprintf(text, sizeof(text), "%s:" NONCE ":%s:%s:auth:%s", machine.login, nc, cnonce,
		 inner);
	md5_hex(text, outer);
	return strcmp(outer, response) == 0;
}

/* The new password, as base64 of 16 bytes. */
static unsigned set_admin(const char *body)
{
	char text[128];
	gnutls_datum_t coded, plain = { 0 };
	unsigned rc = 1;

	between(body, "DigestPassword>", "<", text, sizeof(text));
	coded.data = (unsigned char *)text;
	coded.size = (unsigned)strlen(text);
	if (gnutls_base64_decode2(&coded, &plain) == 0 && plain.size == 16) {
		to_hex(plain.data, plain.size, machine.login);
		rc = 0;
	}
	gnutls_free(plain.data);
	return rc;
}

/* Carry a call out; returns its status. */
static unsigned call(const char *method, const char *body)
{
	if (strcmp(method, "SetMEBxPassword") == 0) {
		between(body, "Password>", "<", machine.mebx, sizeof(machine.mebx));
		return machine.mebx[0] ? 0 : 2054;
	}
	if (strcmp(method, "SetAdminAclEntryEx") == 0)
		return set_admin(body);
	if (strcmp(method, "SetHighAccuracyTimeSynch") == 0)
		machine.timed = true;
	if (strcmp(method, "CommitChanges") == 0) {
		if (!machine.timed || !machine.mebx[0] || !machine.login[0])
			return 2057;
		machine.committed = true;
	}
	return 0;
}

/* The elements of an instance that is read. */
static void instance(const char *class, char *out, size_t size)
{
	char uuid[33];

	to_hex(machine.uuid, sizeof(machine.uuid), uuid);
	*out = '\0';
	if (strcmp(class, "AMT_GeneralSettings") == 0)
		snprintf(out, size, "<h:DigestRealm>" REALM "</h:DigestRealm><h:DomainName>"
			 "</h:DomainName><h:HostName>foreign</h:HostName><h:InstanceID>"
			 "Intel(r) AMT: General Settings</h:InstanceID>"
			 "<h:NetworkInterfaceEnabled>true</h:NetworkInterfaceEnabled>");
	if (strcmp(class, "CIM_ComputerSystemPackage") == 0)
		snprintf(out, size, "<h:PlatformGUID>%s</h:PlatformGUID>", uuid);
	if (strcmp(class, "CIM_SoftwareIdentity") == 0)
		snprintf(out, size, "<h:InstanceID>AMT</h:InstanceID><h:IsEntity>true</h:IsEntity>"
			 "<h:VersionString>12.0.35</h:VersionString>");
	if (strcmp(class, "AMT_SetupAndConfigurationService") == 0)
		snprintf(out, size, "<h:PasswordModel>1</h:PasswordModel><h:ProvisioningMode>1"
			 "</h:ProvisioningMode><h:ProvisioningState>%d</h:ProvisioningState>"
			 "<h:ZeroTouchConfigurationEnabled>true</h:ZeroTouchConfigurationEnabled>",
			 machine.committed ? 2 : 1);
}

/* What firmware says: prefixes a, b, c and one for the class, in chunks. */
static void envelope(const char *class, const char *uri, const char *method, const char *content,
		     char *out, size_t size)
{
	snprintf(out, size,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope xmlns:a=\""
		"http://www.w3.org/2003/05/soap-envelope\" "
		"xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
		"xmlns:c=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" xmlns:h=\"%s\" "
		"xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><a:Header><b:To>"
		"http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</b:To>"
		"<b:RelatesTo>0</b:RelatesTo><b:Action a:mustUnderstand=\"true\">%s/%s</b:Action>"
		"<b:MessageID>uuid:00000000-8086-8086-8086-000000000001</b:MessageID>"
		"<c:ResourceURI>%s</c:ResourceURI></a:Header><a:Body>"
		"<h:%s%s>%s</h:%s%s></a:Body></a:Envelope>",
		uri, uri, method, uri, method[0] ? method : class, method[0] ? "_OUTPUT" : "",
		content, method[0] ? method : class, method[0] ? "_OUTPUT" : "");
}

static void send_text(gnutls_session_t session, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = gnutls_record_send(session, text, left);

		if (n <= 0)
			return;
		text += n;
		left -= (size_t)n;
	}
}

/* Send a body in two chunks. */
static void reply(gnutls_session_t session, const char *body)
{
	char head[128];
	size_t all = strlen(body), first = all / 3;

	send_text(session,
		  "HTTP/1.1 200 OK\r\nServer: Intel(R) Active Management Technology 12.0.35\r\n"
		  "X-Frame-Options: DENY\r\nContent-Type: application/soap+xml; charset=UTF-8\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n");
	snprintf(head, sizeof(head), "%04zX\r\n", first);
	send_text(session, head);
	if (gnutls_record_send(session, body, first) < 0)
		return;
	snprintf(head, sizeof(head), "\r\n%04zX\r\n", all - first);
	send_text(session, head);
	send_text(session, body + first);
	send_text(session, "\r\n0\r\n\r\n");
}

static void challenge(gnutls_session_t session)
{
	send_text(session, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"" REALM
		  "\", nonce=\"" NONCE "\",stale=\"false\",qop=\"auth\"\r\n"
		  "Content-Type: text/html\r\nServer: Intel(R) Active Management Technology "
		  "12.0.35\r\nContent-Length: 0\r\n\r\n");
}

/* One request. */
static void answer(gnutls_session_t session, bool login, const char *head, const char *body)
{
	static char out[16384];
	char action[256], uri[256], content[2048];
	const char *class, *method = "";
	unsigned status = 0;

	if (login && !logged_in(head)) {
		challenge(session);
		return;
	}
	between(body, "Action>", "<", action, sizeof(action));
	between(body, "ResourceURI>", "<", uri, sizeof(uri));
	class = strrchr(uri, '/') ? strrchr(uri, '/') + 1 : uri;
	if (strncmp(action, uri, strlen(uri)) == 0 && strrchr(action, '/'))
		method = strrchr(action, '/') + 1;
	fprintf(stderr, "pki_device: %s %s\n", class, method[0] ? method : "read");
	if (method[0]) {
		status = call(method, body);
		snprintf(content, sizeof(content), "%s<h:ReturnValue>%u</h:ReturnValue>",
			 strcmp(method, "GetLowAccuracyTimeSynch") == 0
				 ? "<h:Ta0>1100000000</h:Ta0>"
				 : "",
			 status);
	} else {
		instance(class, content, sizeof(content));
	}
	envelope(class, uri, method, content, out, sizeof(out));
	reply(session, out);
	if (login && machine.committed && !method[0])
		machine.done = true;
}

/* The requests of one connection. */
static void serve(gnutls_session_t session, bool login)
{
	static char buffer[65536];
	size_t have = 0;

	for (;;) {
		char *end, *length;
		size_t whole;
		ssize_t n;

		buffer[have] = '\0';
		end = strstr(buffer, "\r\n\r\n");
		length = strcasestr(buffer, "\r\nContent-Length:");
		whole = end ? (size_t)(end + 4 - buffer) +
			(length ? (size_t)strtoul(length + 17, NULL, 10) : 0) : sizeof(buffer);
		if (end && have >= whole) {
			char *body = end + 4;

			end[0] = '\0';
			answer(session, login || machine.committed, buffer, body);
			have = 0;
			continue;
		}
		if (have + 1 >= sizeof(buffer))
			return;
		n = gnutls_record_recv(session, buffer + have, sizeof(buffer) - 1 - have);
		if (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_AGAIN)
			continue;
		if (n <= 0)
			return;
		have += (size_t)n;
	}
}

static void take_call(int fd, gnutls_certificate_credentials_t own, const char *priority,
		      bool login)
{
	gnutls_session_t session;
	struct timeval limit = { .tv_sec = 10 };
	int rc;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	gnutls_init(&session, GNUTLS_SERVER);
	if (gnutls_priority_set_direct(session, priority, NULL) < 0)
		die("the priority is not one of GnuTLS");
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, own);
	if (!machine.committed)
		gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
	gnutls_transport_set_int(session, fd);
	do
		rc = gnutls_handshake(session);
	while (rc < 0 && !gnutls_error_is_fatal(rc));
	if (rc < 0) {
		fprintf(stderr, "pki_device: handshake: %s\n", gnutls_strerror(rc));
		gnutls_alert_send_appropriate(session, rc);
	} else {
		fprintf(stderr, "pki_device: %s\n", gnutls_protocol_get_name(
				gnutls_protocol_get_version(session)));
		serve(session, login);
		gnutls_bye(session, GNUTLS_SHUT_WR);
	}
	shutdown(fd, SHUT_WR);
	usleep(100000);	/* the alert is read before the reset */
	close(fd);
	gnutls_deinit(session);
}

static struct sockaddr_in at(const char *address, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
		die("not an address");
	return a;
}

/* An unknown kind of digest, one of SHA-256 that nobody has, and the root's; in two pieces. */
static void say_hello(const char *address, const char *server_port)
{
	unsigned char hello[25 + 18 + 34 + 34] = { [2] = 3, [24] = 3, [25] = 9, [26] = 16, [43] = 2,
						   [44] = 32, [77] = 2, [78] = 32 };
	struct sockaddr_in from = at(address, "0"), to = at("127.0.0.1", server_port);
	int s = socket(AF_INET, SOCK_STREAM, 0);

	memcpy(hello + 8, machine.uuid, sizeof(machine.uuid));
	memcpy(hello + 79, machine.root, sizeof(machine.root));
	memset(hello + 45, 0xab, 32);
	if (s < 0 || bind(s, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(s, (struct sockaddr *)&to, sizeof(to)) != 0 || send(s, hello, 30, 0) != 30)
		die("the server does not take a hello");
	usleep(50000);
	if (send(s, hello + 30, sizeof(hello) - 30, 0) != (ssize_t)sizeof(hello) - 30)
		die("the server does not take all of a hello");
	close(s);
}

static void read_root(const char *path)
{
	gnutls_datum_t data;
	gnutls_x509_crt_t root;
	size_t size = sizeof(machine.root);

	gnutls_x509_crt_init(&root);
	if (gnutls_load_file(path, &data) < 0 ||
	    gnutls_x509_crt_import(root, &data, GNUTLS_X509_FMT_PEM) < 0 ||
	    gnutls_x509_crt_get_fingerprint(root, GNUTLS_DIG_SHA256, machine.root, &size) < 0)
		die("the root is not readable");
	gnutls_x509_crt_deinit(root);
	gnutls_free(data.data);
}

/* The password that it has before it is set up, on the first line of a file. */
static void read_password(const char *path)
{
	char password[64] = "", text[256];
	FILE *f = fopen(path, "re");

	if (!f || !fgets(password, sizeof(password), f))
		die("the password is not readable");
	fclose(f);
	password[strcspn(password, "\n")] = '\0';
	snprintf(text, sizeof(text), "admin:" REALM ":%s", password);
	md5_hex(text, machine.login);
}

int main(int argc, char **argv)
{
	gnutls_certificate_credentials_t own;
	struct sockaddr_in here;
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (argc < 10 || strlen(argv[4]) != 32)
		die("ADDRESS PORT SERVER-PORT UUID PRIORITY CERTIFICATE KEY ROOT SUFFIX "
		    "[PASSWORD-FILE]");
	for (int i = 0; i < 16; i++)
		sscanf(argv[4] + 2 * i, "%2hhx", &machine.uuid[i]);
	read_root(argv[8]);
	machine.suffix = argv[9];
	if (argc > 10)
		read_password(argv[10]);
	gnutls_certificate_allocate_credentials(&own);
	if (gnutls_certificate_set_x509_key_file(own, argv[6], argv[7], GNUTLS_X509_FMT_PEM) < 0)
		die("its own certificate is not readable");
	gnutls_certificate_set_verify_function(own, check_server);
	here = at(argv[1], argv[2]);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s, (struct sockaddr *)&here, sizeof(here)) != 0 || listen(s, 8) != 0)
		die("the address is taken");
	say_hello(argv[1], argv[3]);
	alarm(40);
	while (!machine.done && !machine.refused) {
		int fd = accept(s, NULL, NULL);

		if (fd >= 0)
			take_call(fd, own, argv[5], argc > 10);
	}
	printf("%s\n%s\n%s\n", REALM, machine.login, machine.mebx);
	gnutls_certificate_free_credentials(own);
	return machine.refused ? 1 : 0;
}
