/* Sticks for tests: sound ones by the kit itself, and ones spoiled in every way that is known. */
#ifndef TESTS_SUPPORT_STICK_H
#define TESTS_SUPPORT_STICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ukpu/stick/content.h"
#include "ukpu/stick/layout.h"
#include "ukpu/stick/verify.h"

/* A sound setup.bin with RECORDS records, USED of them consumed; SEED makes its pairs differ. */
struct content stick_content(unsigned records, unsigned used, unsigned seed);

/* A folder for the test, made new; its path. stick_clean() removes it with all in it. */
const char *stick_folder(void);
const char *stick_path(const char *name); /* in that folder; valid until the next call but 3 */
void stick_clean(void);

/* Read or write a whole file; asserts that it works. */
uint8_t *stick_load(const char *path, size_t *size);
void stick_store(const char *path, const void *data, size_t size);
/* Bytes in place. */
void stick_get(const char *path, uint64_t offset, void *data, size_t size);
void stick_put(const char *path, uint64_t offset, const void *data, size_t size);
void stick_put_byte(const char *path, uint64_t offset, uint8_t byte);

/* An image of SIZE bytes with CONTENT on it, made by the kit's own writer. */
void stick_make(const char *path, enum layout_kind kind, uint64_t size,
		const struct content *content);

/*
 * Write a volume of the given geometry at byte START, with CONTENT as its file (or none); no
 * table. For geometries that the kit itself would never make.
 */
void stick_format(const char *path, uint64_t start, const struct fat_geometry *g,
		  const struct content *content);

/* A GPT at both ends of a stick of STICK_SECTORS with one partition, and what protects it. */
void stick_put_gpt(const char *path, uint64_t stick_sectors, uint64_t start, uint64_t sectors);

/* One way to spoil a stick, and what verify must say of it. */
struct stick_spoil {
	const char *name;
	enum layout_kind layout;	/* of the sound stick to begin with */
	void (*spoil)(const char *path, const struct layout *l, const struct content *content);
	const char *rule;		/* that must fail or warn */
	enum verify_verdict verdict;
	bool others;			/* there are other files then: repair needs consent */
	bool unseen;			/* firmware's own way does not find SETUP.BIN any more */
};

/* All of them; ended by a NULL name. */
extern const struct stick_spoil stick_spoils[];

#define STICK_BYTES	(40 * LAYOUT_MIB)	/* of the images that spoils work on */

/* Make the image PATH, spoiled by S. */
void stick_spoiled(const char *path, const struct stick_spoil *s, const struct content *content);

#endif
