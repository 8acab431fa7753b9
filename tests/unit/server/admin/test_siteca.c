/* An operator makes authorities: which files there are then, whose they are, what is refused. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/admin/siteca.h"
#include "tests/support/admin.h"
#include "tests/support/suite.h"

static struct fault why;

static struct siteca usual(void)
{
	return (struct siteca){ .suffix = "example.com", .algorithm = { 2048, 256 },
				.folder = "certificates", .output = "." };
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_mode & 07777;
}

static bool holds(const char *path, const char *text)
{
	char bytes[20000] = "";
	FILE *file = fopen(path, "r");
	size_t n = file ? fread(bytes, 1, sizeof(bytes) - 1, file) : 0;

	if (file)
		fclose(file);
	return n && strstr(bytes, text);
}

static unsigned files_in(const char *folder)
{
	char command[100];
	unsigned n = 0;
	FILE *pipe;

	snprintf(command, sizeof(command), "find %s -type f ! -name 'map.db*' | wc -l", folder);
	pipe = popen(command, "r");
	ck_assert_int_eq(fscanf(pipe, "%u", &n), 1);
	pclose(pipe);
	return n;
}

START_TEST(one_call_makes_root_certificate_and_key_each_for_who_needs_it)
{
	struct siteca s = usual();
	struct authority *again;

	umask(022);
	ok(siteca_new(&s, &op, &fault));
	ck_assert_str_eq(s.host, "provision.example.com");
	ck_assert_str_eq(s.bundle, "certificates/provision.example.com.pem");
	ck_assert_str_eq(s.root, "root.pem");
	ck_assert_str_eq(s.root_key, "root.key");
	ck_assert_uint_eq(mode_of(s.root_key), 0600);
	ck_assert_uint_eq(mode_of(s.root), 0644);
	ck_assert_uint_eq(mode_of(s.bundle) & 0137, 0);	/* nothing for others */
	ck_assert_uint_eq(mode_of("certificates") & 027, 0);
	ck_assert(holds(s.root_key, "PRIVATE KEY"));
	ck_assert(!holds(s.root, "PRIVATE KEY"));
	ck_assert(holds(s.bundle, "PRIVATE KEY"));
	/* Its root's key is not on the server. */
	ck_assert_int_eq(authority_load(&again, s.bundle, &why), KIT_ERR_UNFIT);
	ck_assert_int_eq(s.issued.expiry, ADMIN_NOW + 1825L * 86400);
	ck_assert_uint_eq(logged("authority-made"), 1);
	ck_assert_uint_eq(files_in("."), 3);
}
END_TEST

START_TEST(the_service_group_reads_the_key_where_the_folder_is_its_own)
{
	struct siteca s = usual();
	struct stat st;

	ck_assert_int_eq(mkdir("certificates", 0750), 0);
	ck_assert_int_eq(chmod("certificates", 0750), 0);
	ok(siteca_new(&s, &op, &fault));
	ck_assert_int_eq(stat(s.bundle, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_uint_eq(st.st_gid, getegid());
	ck_assert_int_eq(unlink(s.bundle), 0);
	ck_assert_int_eq(chmod("certificates", 0700), 0);
	s.output = "certificates/..";
	ck_assert_int_eq(unlink("root.key") | unlink("root.pem"), 0);
	ok(siteca_new(&s, &op, &fault));
	ck_assert_uint_eq(mode_of(s.bundle) & 07707, 0600);
}
END_TEST

static const struct {
	const char *suffix, *name, *exists;
	int rc;
	const char *says;
} refused[] = {
	{ "example.com", "provision.example.org", NULL, KIT_ERR_ARGUMENT,
	  "provision.example.org is not under example.com" },
	{ "example.com", "badexample.com", NULL, KIT_ERR_ARGUMENT, "is not under example.com" },
	{ "a123456789012345678901234567890.b123456789012345678901234567890", NULL, NULL,
	  KIT_ERR_ARGUMENT, "has over 64 characters" },
	{ "bad suffix", NULL, NULL, KIT_ERR_ARGUMENT, "\"bad suffix\" is not a DNS suffix" },
	{ "example.com", NULL, "root.key", KIT_ERR_EXISTS, "root.key exists already" },
	{ "example.com", NULL, "root.pem", KIT_ERR_EXISTS, "root.pem exists already" },
	{ "example.com", NULL, "certificates/provision.example.com.pem", KIT_ERR_EXISTS,
	  "certificates/provision.example.com.pem exists already" },
};

START_TEST(what_is_refused_makes_and_replaces_nothing)
{
	struct siteca s = usual();

	s.suffix = refused[_i].suffix;
	s.name = refused[_i].name;
	ck_assert_int_eq(mkdir("certificates", 0700), 0);
	if (refused[_i].exists)
		put_file(refused[_i].exists, "a person's");
	ck_assert_int_eq(siteca_new(&s, &op, &why), refused[_i].rc);
	ck_assert_msg(strstr(why.what, refused[_i].says) != NULL, "%s", why.what);
	ck_assert_uint_eq(files_in("."), refused[_i].exists != NULL);
	if (refused[_i].exists)
		ck_assert(holds(refused[_i].exists, "a person's"));
	ck_assert_uint_eq(logged("authority-made"), 0);
}
END_TEST

START_TEST(the_key_of_a_root_does_not_go_to_the_server)
{
	struct siteca s = usual();

	s.output = "certificates/../certificates";
	ck_assert_int_eq(siteca_new(&s, &op, &why), KIT_ERR_ARGUMENT);
	ck_assert_msg(strstr(why.what, "the root's key does not belong there") != NULL, "%s",
		      why.what);
	ck_assert_uint_eq(files_in("."), 0);
}
END_TEST

START_TEST(files_that_cannot_all_be_made_are_not_made)
{
	struct siteca s = usual();

	s.output = "nowhere";
	ck_assert_int_eq(siteca_new(&s, &op, &why), KIT_ERR_NOT_FOUND);
	ck_assert_uint_eq(files_in("."), 0);
}
END_TEST

START_TEST(an_authority_of_machines_is_for_the_server_and_its_root_for_all)
{
	struct siteca_machines s = { .suffix = "example.com", .algorithm = { 2048, 256 },
				     .path = "etc/machines.pem", .output = "." };
	struct authority *a;

	umask(022);
	ok(siteca_new_machines(&s, &op, &fault));
	ck_assert_str_eq(s.root, "machines.pem");
	ck_assert_uint_eq(mode_of(s.path) & 0137, 0);
	ck_assert_uint_eq(mode_of(s.root), 0644);
	ck_assert(!holds(s.root, "PRIVATE KEY"));
	ok(authority_load(&a, s.path, &fault));
	ck_assert_str_eq(authority_suffix(a), "example.com");
	authority_free(a);
	ck_assert_uint_eq(logged("authority-made"), 1);
	/* Neither is replaced, and one is not the other. */
	ck_assert_int_eq(siteca_new_machines(&s, &op, &why), KIT_ERR_EXISTS);
	fault_clear(&why);
	ck_assert_int_eq(unlink("etc/machines.pem") | unlink("machines.pem"), 0);
	s.path = "machines.pem";
	ck_assert_int_eq(siteca_new_machines(&s, &op, &why), KIT_ERR_ARGUMENT);
	ck_assert_uint_eq(files_in("."), 0);
}
END_TEST

TEST_SUITE("siteca")
{
	TCase *t = tcase_create("new");

	tcase_add_checked_fixture(t, admin_enter, admin_leave);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, one_call_makes_root_certificate_and_key_each_for_who_needs_it);
	tcase_add_test(t, the_service_group_reads_the_key_where_the_folder_is_its_own);
	tcase_add_loop_test(t, what_is_refused_makes_and_replaces_nothing, 0,
			    sizeof(refused) / sizeof(*refused));
	tcase_add_test(t, the_key_of_a_root_does_not_go_to_the_server);
	tcase_add_test(t, files_that_cannot_all_be_made_are_not_made);
	tcase_add_test(t, an_authority_of_machines_is_for_the_server_and_its_root_for_all);
	suite_add_tcase(suite, t);
}
