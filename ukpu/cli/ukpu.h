/* ukpu: its verbs, and the options that several of them have. */
#ifndef UKPU_CLI_UKPU_H
#define UKPU_CLI_UKPU_H

#include <stdbool.h>

#include "common/cli.h"
#include "ukpu/stick/work.h"

/* The verbs. */
extern const struct cli_verb ukpu_list;
extern const struct cli_verb ukpu_prepare;
extern const struct cli_verb ukpu_verify;
extern const struct cli_verb ukpu_repair;
extern const struct cli_verb ukpu_status;
extern const struct cli_verb ukpu_retire;
extern const struct cli_verb ukpu_wizard;

/* What every verb that works on a stick has in its own struct, as "stick". */
struct ukpu_options {
	struct work_options work;
	struct cli_list serials;
	bool yes;
};

#define UKPU_IMAGE_OPTION(struct_) \
	CLI_FLAG(0, "image", struct_, stick.work.image, \
		 "TARGET is an image file, not a block device")

#define UKPU_JOURNAL_OPTION(struct_, field_) \
	CLI_FLAG(0, "own-journal", struct_, field_, \
		 "note the keys in a journal of your own, which others do not see", \
		 .flags = CLI_WHOLE)

/* For the person who gives it. */
#define UKPU_OWN_JOURNAL \
	"--own-journal: others do not see which keys are on your sticks, and may put them on theirs"

/* The options of every verb that writes, for the table of a verb whose struct is STRUCT_. */
#define UKPU_WRITE_OPTIONS(struct_) \
	UKPU_IMAGE_OPTION(struct_), \
	CLI_FLAG(0, "dry-run", struct_, stick.work.dry_run, "show the plan, write nothing"), \
	CLI_FLAG(0, "yes", struct_, stick.yes, \
		 "do not ask; on a block device only together with --serial", \
		 .flags = CLI_WHOLE), \
	CLI_LIST(0, "serial", struct_, stick.serials, "S", \
		 "the stick must have this serial number"), \
	CLI_FLAG(0, "allow-non-usb", struct_, stick.work.allow_non_usb, \
		 "allow a disk that is not on USB", .flags = CLI_WHOLE), \
	CLI_FLAG(0, "allow-large", struct_, stick.work.allow_large, \
		 "allow a disk of more than 64 GiB", .flags = CLI_WHOLE), \
	CLI_FLAG(0, "allow-system", struct_, stick.work.allow_system, \
		 "allow the disk of /, /boot, /home or this program", .flags = CLI_WHOLE), \
	CLI_FLAG(0, "allow-mounted", struct_, stick.work.allow_mounted, \
		 "allow a mounted disk: it is unmounted first", .flags = CLI_WHOLE), \
	UKPU_JOURNAL_OPTION(struct_, stick.work.own_journal), \
	CLI_GONE("allow-swap", NULL, "turn swap off with swapoff"), \
	CLI_GONE("allow-holder", NULL, "take apart what is made of the disk with dmsetup, " \
		 "mdadm or losetup")

/*
 * TEXT as a value of JSON; names from a stick or a file system here may not be UTF-8: then with
 * '?' for them. NULL: no memory.
 */
struct json_t *ukpu_json_text(const char *text);

#endif
