/* The folder of certificates: whose its files are, what they are called, what is removed. */
#include <check.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/admin/certfolder.h"
#include "server/admin/siteca.h"
#include "tests/support/admin.h"
#include "tests/support/suite.h"

static struct fault why;
static char path[CERTFOLDER_PATH];

static void install(const char *cn, const char *expected)
{
	ok(certfolder_install("certificates", cn, "a text", path, &fault));
	ck_assert_str_eq(path, expected);
}

START_TEST(a_file_is_called_after_the_name_and_never_leads_elsewhere)
{
	install("amt.example.com", "certificates/amt.example.com.pem");
	install("amt.example.com", "certificates/amt.example.com-2.pem");
	install("*.example.com", "certificates/_.example.com.pem");
	install("../../etc/x", "certificates/_._.._etc_x.pem");
	install(".hidden", "certificates/_hidden.pem");
	install("", "certificates/certificate.pem");
	install("a b;rm", "certificates/a_b_rm.pem");
}
END_TEST

START_TEST(there_is_an_end_of_files_with_one_name)
{
	for (int i = 0; i < 20; i++)
		ok(certfolder_install("certificates", "amt.example.com", "a text", path, &fault));
	ck_assert_int_eq(certfolder_install("certificates", "amt.example.com", "a text", path,
					    &why), KIT_ERR_EXISTS);
}
END_TEST

START_TEST(only_the_group_of_a_closed_folder_reads_its_keys)
{
	static const mode_t folders[] = { 0700, 0750, 0755, 0770 };
	static const mode_t files[] = { 0600, 0640, 0600, 0640 };
	/* Root gives them to the service's group instead of nobody. */
	bool service = geteuid() == 0 && getgrnam(CERTFOLDER_GROUP);
	struct stat st;

	ck_assert_int_eq(mkdir("certificates", 0700), 0);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(chmod("certificates", folders[i]), 0);
		ok(certfolder_install("certificates", "a.b", "a text", path, &fault));
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, service ? 0640 : files[i]);
	}
}
END_TEST

static const struct {
	const char *name;
	int rc;
} not_removed[] = {
	{ "../outside", KIT_ERR_ARGUMENT }, { ".hidden", KIT_ERR_ARGUMENT },
	{ "", KIT_ERR_ARGUMENT }, { "a/b", KIT_ERR_ARGUMENT }, { "nothing", KIT_ERR_NOT_FOUND },
};

START_TEST(what_is_removed_is_one_file_with_its_password)
{
	ck_assert_int_eq(mkdir("certificates", 0700), 0);
	put_file("certificates/vendor.pfx", "a PFX");
	put_file("certificates/vendor.pfx.password", "a password");
	put_file("certificates/other.pem", "another");
	put_file("outside", "another");
	ok(certfolder_remove("certificates", "vendor.pfx", &op, &fault));
	ck_assert_int_ne(access("certificates/vendor.pfx", F_OK), 0);
	ck_assert_int_ne(access("certificates/vendor.pfx.password", F_OK), 0);
	ck_assert_int_eq(access("certificates/other.pem", F_OK), 0);
	ck_assert_uint_eq(logged("certificate-removed"), 1);
	for (size_t i = 0; i < sizeof(not_removed) / sizeof(*not_removed); i++) {
		ck_assert_int_eq(certfolder_remove("certificates", not_removed[i].name, &op, &why),
				 not_removed[i].rc);
		fault_clear(&why);
	}
	ck_assert_int_eq(access("outside", F_OK), 0);
	ck_assert_uint_eq(logged("certificate-removed"), 1);
}
END_TEST

START_TEST(a_folder_that_is_not_named_or_cannot_be_made_is_refused)
{
	ck_assert_int_eq(certfolder_make("", &why), KIT_ERR_ARGUMENT);
	fault_clear(&why);
	ck_assert_int_eq(certfolder_make("nowhere/certificates", &why), KIT_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(why.hint, "--folder"));
	ok(certfolder_make("certificates", &fault));
	ok(certfolder_make("certificates", &fault));
}
END_TEST

/* ---- renewed ---- */

static struct siteca made;

static struct certificates *served(void)
{
	const struct certificates_options options = { .folder = "certificates", .now = op.now };
	struct certificates *all;

	ok(certificates_load(&all, &options, &fault));
	return all;
}

static void make(void)
{
	made = (struct siteca){ .suffix = "example.com", .algorithm = { 2048, 256 },
				.folder = "certificates", .output = "." };
	ok(siteca_new(&made, &op, &fault));
}

START_TEST(a_renewed_certificate_takes_the_place_of_one_that_was_made_here)
{
	struct siteca_renewal r = { .folder = "certificates", .root_key = "root.key" };
	struct certificates *before, *after;
	const struct chain_facts *old, *new;

	make();
	before = served();
	ok(siteca_renew(&r, certificates_at(before, 0), &op, &fault));
	ck_assert(r.replaced);
	ck_assert_str_eq(r.path, "certificates/provision.example.com.pem");
	after = served();
	ck_assert_ptr_null(certificates_at(after, 1));
	old = certificates_at(before, 0)->facts;
	new = certificates_at(after, 0)->facts;
	ck_assert(certificates_at(after, 0)->served);
	ck_assert_str_ne(old->links[0].serial, new->links[0].serial);
	ck_assert_str_eq(new->links[0].serial, r.issued.serial);
	ck_assert_mem_eq(old->root_sha256, new->root_sha256, 32);
	ck_assert_uint_eq(logged("certificate-renewed"), 1);
	certificates_free(&before);
	certificates_free(&after);
}
END_TEST

START_TEST(parts_that_a_person_laid_down_stay_beside_the_renewed_one)
{
	struct siteca_renewal r = { .folder = "certificates", .root_key = "root.key" };
	struct certificates *all;

	make();
	ck_assert_int_eq(rename(made.bundle, "certificates/provision.example.com.crt"), 0);
	all = served();
	ok(siteca_renew(&r, certificates_at(all, 0), &op, &fault));
	ck_assert(!r.replaced);
	ck_assert_str_eq(r.path, "certificates/provision.example.com.pem");
	ck_assert_int_eq(access("certificates/provision.example.com.crt", F_OK), 0);
	certificates_free(&all);
}
END_TEST

START_TEST(the_key_of_another_root_renews_nothing)
{
	struct siteca_renewal r = { .folder = "certificates", .root_key = made.bundle };
	struct certificates *all;

	make();
	all = served();
	ck_assert_int_eq(siteca_renew(&r, certificates_at(all, 0), &op, &why), KIT_ERR_UNFIT);
	certificates_free(&all);
}
END_TEST

TEST_SUITE("certfolder")
{
	TCase *t = tcase_create("files");

	tcase_add_checked_fixture(t, admin_enter, admin_leave);
	tcase_add_test(t, a_file_is_called_after_the_name_and_never_leads_elsewhere);
	tcase_add_test(t, there_is_an_end_of_files_with_one_name);
	tcase_add_test(t, only_the_group_of_a_closed_folder_reads_its_keys);
	tcase_add_test(t, what_is_removed_is_one_file_with_its_password);
	tcase_add_test(t, a_folder_that_is_not_named_or_cannot_be_made_is_refused);
	tcase_add_test(t, a_renewed_certificate_takes_the_place_of_one_that_was_made_here);
	tcase_add_test(t, parts_that_a_person_laid_down_stay_beside_the_renewed_one);
	tcase_add_test(t, the_key_of_another_root_renews_nothing);
	suite_add_tcase(suite, t);
}
