/* ukpu: what its verbs share. */
#include "ukpu/ukpu.h"

#include <stdio.h>
#include <string.h>

struct ukpu_words ukpu_words(const struct cli *cli, const char *path)
{
	struct ukpu_words w;

	snprintf(w.text, sizeof(w.text), "%s%s", cli_has(cli, "image") ? "--image " : "", path);
	return w;
}

void ukpu_verify_input(struct verify_input *in, const struct disk *disk, const struct target *t,
		       const struct ukpu_words *words, const struct probe_signatures *signatures)
{
	*in = (struct verify_input){
		.disk = disk, .target = words->text, .image = target_is_image(t),
		.signatures = signatures,
	};
}

void ukpu_print_result(void *context, const struct verify_result *result)
{
	const struct ukpu_lines *lines = context;

	if (lines->only_bad &&
	    (result->verdict == VERIFY_PASS || result->verdict == VERIFY_SKIP))
		return;
	printf("%s  %-17s  %s%s%s\n", verify_verdict_name(result->verdict), result->rule,
	       result->text, result->mend[0] ? "; mend: " : "", result->mend);
}
