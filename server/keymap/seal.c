/* Sealing of the map's secrets: AES-256-GCM under master keys that live in a file of their own. */
#include "server/keymap/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/outfile.h"
#include "common/secret.h"

#define MAGIC		"AMTKEYS1"
#define KEYS		4
#define KEY_SIZE	32
#define ID_SIZE		4
#define NONCE_SIZE	12
#define TAG_SIZE	16
#define FILE_SIZE(n)	(8 + 4 + (n) * (ID_SIZE + KEY_SIZE) + SHA256_DIGEST_LENGTH)
#define PLACE_MAX	(64 + 64 + 64)
#define NONCES		256 /* drawn at a time: one call of the generator costs as much as a seal */

struct master_key {
	uint32_t id;
	uint8_t bytes[KEY_SIZE];	/* SECRET */
	EVP_CIPHER_CTX *sealing, *opening;	/* with the key scheduled */
};

struct seal {
	struct master_key keys[KEYS];	/* rising ids */
	unsigned n;
	unsigned chosen;		/* index of the key that seals */
	uint8_t nonces[NONCES][NONCE_SIZE];
	unsigned nonces_left;
};

static void forget(struct master_key *k)
{
	EVP_CIPHER_CTX_free(k->sealing);
	EVP_CIPHER_CTX_free(k->opening);
	secret_wipe(k, sizeof(*k));
}

void seal_free(struct seal **s)
{
	if (!*s)
		return;
	for (unsigned i = 0; i < KEYS; i++)
		forget(&(*s)->keys[i]);
	secret_wipe(*s, sizeof(**s));
	free(*s);
	*s = NULL;
}

/* Schedule the key once, so that each value costs no more than its nonce. */
static int schedule(struct master_key *k, struct fault *fault)
{
	k->sealing = EVP_CIPHER_CTX_new();
	k->opening = EVP_CIPHER_CTX_new();
	if (!k->sealing || !k->opening ||
	    EVP_EncryptInit_ex(k->sealing, EVP_aes_256_gcm(), NULL, k->bytes, NULL) != 1 ||
	    EVP_DecryptInit_ex(k->opening, EVP_aes_256_gcm(), NULL, k->bytes, NULL) != 1)
		return fault_set(fault, KIT_ERR_CRYPTO, "cannot set AES-256-GCM up");
	return 0;
}

static int fresh_key(struct master_key *k, uint32_t id, struct fault *fault)
{
	k->id = id;
	if (RAND_priv_bytes(k->bytes, KEY_SIZE) != 1)
		return fault_set(fault, KIT_ERR_CRYPTO, "cannot draw a random master key");
	return schedule(k, fault);
}

/* Read at most SIZE bytes; *got receives how many. */
static int read_file(int fd, uint8_t *out, size_t size, size_t *got)
{
	*got = 0;
	while (*got < size) {
		ssize_t n = read(fd, out + *got, size - *got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return 0;
}

static int decode(struct seal *s, const uint8_t *data, size_t size, const char *path,
		  struct fault *fault)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct reader r;
	const uint8_t *magic;
	uint32_t last = 0;
	int rc;

	reader_init(&r, data, size);
	magic = read_bytes(&r, 8);
	s->n = read_le32(&r);
	if (!magic || memcmp(magic, MAGIC, 8) != 0 || s->n < 1 || s->n > KEYS ||
	    size != FILE_SIZE(s->n)) {
		s->n = 0;
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s is not a key file: it has %zu bytes%s",
			       path, size, magic && memcmp(magic, MAGIC, 8) == 0
			       ? ", which is not its size" : " of something else");
		goto out;
	}
	SHA256(data, size - sizeof(digest), digest);
	if (memcmp(digest, data + size - sizeof(digest), sizeof(digest)) != 0) {
		s->n = 0;
		rc = fault_set(fault, KIT_ERR_FORMAT, "the key file %s is damaged", path);
		goto out;
	}
	for (unsigned i = 0; i < s->n; i++) {
		struct master_key *k = &s->keys[i];

		k->id = read_le32(&r);
		read_copy(&r, k->bytes, KEY_SIZE);
		if (k->id <= last) {
			rc = fault_set(fault, KIT_ERR_FORMAT, "the key file %s has its keys out of"
				       " order", path);
			goto out;
		}
		last = k->id;
		rc = schedule(k, fault);
		if (rc)
			goto out;
	}
	rc = 0;
out:
	if (rc == KIT_ERR_FORMAT)
		fault_hint(fault, "put the key file that was made with this map back, from its"
			   " backup; without it the map's secrets are lost");
	return rc;
}

int seal_load(struct seal **out, const char *path, struct fault *fault)
{
	uint8_t data[FILE_SIZE(KEYS) + 1];
	struct seal *s = NULL;
	struct stat st;
	size_t size;
	int fd, rc;

	*out = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fault_sys(fault, errno, "cannot open the key file %s", path);
	if (fstat(fd, &st)) {
		rc = fault_sys(fault, errno, "cannot examine the key file %s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "the key file %s is not a regular file\n"
			       "name the map's key file", path);
		goto out;
	}
	if (st.st_mode & 077) {
		rc = fault_set(fault, KIT_ERR_PERMISSION, "the key file %s has mode %04o, so "
			       "others can get at the map's master key\n"
			       "chmod 600 %s; if others may have read it, also run "
			       "\"amt-provisionctl keys rotate-master\"", path,
			       (unsigned)(st.st_mode & 07777), path);
		goto out;
	}
	if (read_file(fd, data, sizeof(data), &size)) {
		rc = fault_sys(fault, errno, "cannot read the key file %s", path);
		goto out;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		rc = fault_sys(fault, ENOMEM, "cannot read the key file %s", path);
	else
		rc = decode(s, data, size, path, fault);
out:
	close(fd);
	secret_wipe(data, sizeof(data));
	if (rc)
		seal_free(&s);
	*out = s;
	return rc;
}

/* Write the N keys of KEYS[] as the key file PATH. */
static int save(const struct master_key *keys, unsigned n, const char *path, unsigned flags,
		uid_t owner, gid_t group, struct fault *fault)
{
	uint8_t data[FILE_SIZE(KEYS)];
	struct outfile *file = NULL;
	struct writer w;
	int rc;

	writer_init(&w, data, sizeof(data));
	write_bytes(&w, MAGIC, 8);
	write_le32(&w, n);
	for (unsigned i = 0; i < n; i++) {
		write_le32(&w, keys[i].id);
		write_bytes(&w, keys[i].bytes, KEY_SIZE);
	}
	SHA256(data, w.at, data + w.at);
	rc = outfile_open(&file, path, flags, fault);
	/* Only root can give files away; anybody else's own file is right as it is. */
	if (!rc && geteuid() == 0)
		rc = outfile_owner(file, owner, group, fault);
	if (!rc)
		rc = outfile_write(file, data, w.at + SHA256_DIGEST_LENGTH, fault);
	if (rc)
		outfile_discard(&file);
	else
		rc = outfile_commit(&file, fault);
	secret_wipe(data, sizeof(data));
	return rc;
}

int seal_create(struct seal **out, const char *path, uid_t owner, gid_t group,
		struct fault *fault)
{
	struct seal *s = calloc(1, sizeof(*s));
	uint32_t id;
	int rc;

	*out = NULL;
	if (!s)
		return fault_sys(fault, ENOMEM, "cannot make the key file %s", path);
	rc = RAND_bytes((uint8_t *)&id, sizeof(id)) == 1 ? 0 :
		fault_set(fault, KIT_ERR_CRYPTO, "cannot draw random numbers");
	/* Rotations count on from here: there is room for a thousand million of them. */
	if (!rc)
		rc = fresh_key(&s->keys[0], (id & 0x3FFFFFFF) + 1, fault);
	s->n = 1;
	if (!rc)
		rc = save(s->keys, 1, path, 0, owner, group, fault);
	if (rc)
		seal_free(&s);
	*out = s;
	return rc;
}

uint32_t seal_newest(const struct seal *s)
{
	return s->keys[s->n - 1].id;
}

static struct master_key *find(const struct seal *s, uint32_t id)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->keys[i].id == id)
			return (struct master_key *)&s->keys[i];
	return NULL;
}

bool seal_has(const struct seal *s, uint32_t id)
{
	return find(s, id) != NULL;
}

unsigned seal_keys(const struct seal *s)
{
	return s->n;
}

int seal_choose(struct seal *s, uint32_t id, struct fault *fault)
{
	const struct master_key *k = find(s, id);

	if (!k)
		return fault_set(fault, KIT_ERR_NOT_FOUND, "the key file lacks master key %u",
				 (unsigned)id);
	s->chosen = (unsigned)(k - s->keys);
	return 0;
}

static int save_again(const struct master_key *keys, unsigned n, const char *path,
		      struct fault *fault)
{
	struct stat st;

	if (stat(path, &st))
		return fault_sys(fault, errno, "cannot examine the key file %s", path);
	return save(keys, n, path, OUTFILE_FORCE, st.st_uid, st.st_gid, fault);
}

int seal_add_key(struct seal *s, const char *path, struct fault *fault)
{
	int rc;

	if (s->n == KEYS)
		return fault_set(fault, KIT_ERR_STATE, "the key file %s has %d keys already", path,
				 KEYS);
	rc = fresh_key(&s->keys[s->n], seal_newest(s) + 1, fault);
	if (!rc)
		rc = save_again(s->keys, s->n + 1, path, fault);
	if (rc)
		forget(&s->keys[s->n]);
	else
		s->n++;
	return rc;
}

int seal_keep_only(struct seal *s, const char *path, uint32_t id, struct fault *fault)
{
	struct master_key *k = find(s, id);
	int rc;

	if (!k)
		return fault_set(fault, KIT_ERR_NOT_FOUND, "the key file lacks master key %u",
				 (unsigned)id);
	rc = save_again(k, 1, path, fault);
	if (rc)
		return rc;
	for (unsigned i = 0; i < s->n; i++)
		if (&s->keys[i] != k)
			forget(&s->keys[i]);
	if (k != &s->keys[0]) {
		s->keys[0] = *k;
		secret_wipe(k, sizeof(*k));
	}
	s->n = 1;
	s->chosen = 0;
	return 0;
}

int seal_merge(struct seal *s, const struct seal *other, struct fault *fault)
{
	uint32_t chosen = s->keys[s->chosen].id;
	int rc;

	for (unsigned i = 0; i < other->n; i++) {
		const struct master_key *k = &other->keys[i], *have = find(s, k->id);
		unsigned at = s->n;

		if (have && !secret_equal(have->bytes, k->bytes, KEY_SIZE))
			return fault_set(fault, KIT_ERR_FORGED,
					 "two different master keys have the id"
					 " %u",
					 (unsigned)k->id);
		if (have)
			continue;
		if (s->n == KEYS)
			return fault_set(fault, KIT_ERR_STATE, "more than %d master keys", KEYS);
		for (; at > 0 && s->keys[at - 1].id > k->id; at--)
			s->keys[at] = s->keys[at - 1];
		s->n++;
		s->keys[at] = (struct master_key){ .id = k->id };
		memcpy(s->keys[at].bytes, k->bytes, KEY_SIZE);
		rc = schedule(&s->keys[at], fault);
		if (rc)
			return rc;
	}
	return seal_choose(s, chosen, fault);
}

int seal_save(const struct seal *s, const char *path, uid_t owner, gid_t group,
	      struct fault *fault)
{
	return save(s->keys, s->n, path, OUTFILE_FORCE, owner, group, fault);
}

/* The tag covers these besides: table, NUL, column, NUL, row. Returns their bytes, 0: too long. */
static size_t place_bytes(const struct seal_place *place, uint8_t out[static PLACE_MAX])
{
	struct writer w;

	writer_init(&w, out, PLACE_MAX);
	write_bytes(&w, place->table, strlen(place->table) + 1);
	write_bytes(&w, place->column, strlen(place->column) + 1);
	write_bytes(&w, place->row, place->row_size);
	return w.error ? 0 : w.at;
}

static int next_nonce(struct seal *s, uint8_t *out, struct fault *fault)
{
	if (s->nonces_left == 0) {
		if (RAND_bytes(s->nonces[0], sizeof(s->nonces)) != 1)
			return fault_set(fault, KIT_ERR_CRYPTO, "cannot draw random numbers");
		s->nonces_left = NONCES;
	}
	memcpy(out, s->nonces[--s->nonces_left], NONCE_SIZE);
	return 0;
}

int seal_close(struct seal *s, const struct seal_place *place, const void *plain, size_t size,
	       void *out, struct fault *fault)
{
	EVP_CIPHER_CTX *ctx = s->keys[s->chosen].sealing;
	uint8_t extra[PLACE_MAX], *p = out;
	size_t extra_size = place_bytes(place, extra);
	int n, rc;

	if (size > SEAL_MAX || extra_size == 0)
		return fault_set(fault, KIT_ERR_RANGE, "a value of %zu bytes is too long to seal",
				 size);
	put_le32(p, s->keys[s->chosen].id);
	p += ID_SIZE;
	rc = next_nonce(s, p, fault);
	if (rc)
		return rc;
	if (EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, p) != 1 ||
	    EVP_EncryptUpdate(ctx, NULL, &n, extra, (int)extra_size) != 1 ||
	    EVP_EncryptUpdate(ctx, p + NONCE_SIZE, &n, plain, (int)size) != 1 ||
	    EVP_EncryptFinal_ex(ctx, p + NONCE_SIZE + n, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, p + NONCE_SIZE + size) != 1)
		return fault_set(fault, KIT_ERR_CRYPTO, "cannot seal a value");
	return 0;
}

uint32_t seal_key_of(const void *sealed, size_t size)
{
	return size < SEAL_OVERHEAD ? 0 : get_le32(sealed);
}

int seal_unlock(struct seal *s, const struct seal_place *place, const void *sealed, size_t size,
		void *out, size_t out_size, struct fault *fault)
{
	const uint8_t *p = sealed;
	uint8_t extra[PLACE_MAX], tag[TAG_SIZE];
	size_t extra_size = place_bytes(place, extra), plain_size;
	const struct master_key *k;
	int n, rc;

	secret_wipe(out, out_size);
	if (size < SEAL_OVERHEAD || size > SEAL_MAX + SEAL_OVERHEAD || extra_size == 0 ||
	    size - SEAL_OVERHEAD > out_size)
		return fault_set(fault, KIT_ERR_FORGED,
				 "a sealed value of %s has %zu bytes, which no"
				 " such value has",
				 place->column, size);
	plain_size = size - SEAL_OVERHEAD;
	k = find(s, get_le32(p));
	if (!k)
		return fault_set(fault, KIT_ERR_NOT_FOUND, "the key file lacks master key %u, which"
				 " sealed this value", (unsigned)get_le32(p));
	p += ID_SIZE;
	memcpy(tag, p + NONCE_SIZE + plain_size, TAG_SIZE);
	rc = KIT_ERR_CRYPTO;
	if (EVP_DecryptInit_ex(k->opening, NULL, NULL, NULL, p) == 1 &&
	    EVP_DecryptUpdate(k->opening, NULL, &n, extra, (int)extra_size) == 1 &&
	    EVP_DecryptUpdate(k->opening, out, &n, p + NONCE_SIZE, (int)plain_size) == 1 &&
	    EVP_CIPHER_CTX_ctrl(k->opening, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1)
		rc = EVP_DecryptFinal_ex(k->opening, (uint8_t *)out + plain_size, &n) == 1
		     ? 0 : KIT_ERR_FORGED;
	if (rc)
		secret_wipe(out, out_size);
	if (rc == KIT_ERR_FORGED)
		fault_set(fault, rc, "a sealed value of %s.%s does not open: it was altered, or"
			  " belongs to another row", place->table, place->column);
	else if (rc)
		fault_set(fault, rc, "cannot open a sealed value");
	return rc;
}
