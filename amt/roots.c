/* Root certificates of public authorities that AMT firmware trusts. */
#include "amt/roots.h"

#include <stdio.h>
#include <string.h>

#include "common/hex.h"

/*
 * Those that hellos and lists of firmware since AMT 2.2 were seen with; names are the ones that
 * MEBx shows, where it has them. Digests are of the whole certificate in DER; SHA-384 is left out
 * for roots that were gone before hellos had it.
 */
static const struct root roots[] = {
	{ "Go Daddy Class 2 CA",
	  "2796bae63f1801e277261ba0d77770028f20eee4",
	  "c3846bf24b9e93ca64274c0ec67c1ecc5e024ffcacd2d74019350e81fe546ae4",
	  "882710ef4e42c3151067a8aab5fe63963209b444b1fb3d35594a5dc938ac3c4a"
	  "ce5f0d3a7bc4b176ca0e5e555ef03590" },
	{ "Go Daddy Root CA-G2",
	  "47beabc922eae80e78783462a79f45c254fde68b",
	  "45140b3247eb9cc8c5b4f0d7b53091f73292089e6e5a63e2749dd3aca9198eda",
	  "3e54bb0fe56fa7d9eda000ac3a2d5362507b89b94e1c41adb48044e0b73a855a"
	  "6d87aaf22c861d2168dc5bc90dce5d57" },
	{ "Comodo AAA CA",
	  "d1eb23a46d17d68fd92564c2f1f1601764d8e349",
	  "d7a7a0fb5d7e2731d771e9484ebcdef71d5f0c3e0a2948782bc83ee0ea699ef4",
	  "9a6308c587fe81766b61ace47e0228750b210dedcb0961803635927405cf8581"
	  "d075ff6e2d7e06c4d5e9054e6c89faca" },
	{ "Starfield Class 2 CA",
	  "ad7e1c28b064ef8f6003402014c3d0e3370eb58a",
	  "1465fa205397b876faa6f0a9958e5590e40fcc7faa4fb7c2c8677521fb5fb658",
	  "555926edb7e0f9019f3bf550b961b89c56e42550628a5f1d9671fd07484dd918"
	  "4ca7c61dea28ae205333b0cbdd5ec84a" },
	{ "Starfield Root CA-G2",
	  "b51c067cee2b0c3df855ab2d92f4fe39d4e70f0e",
	  "2ce1cb0bf9d2f9e102993fbe215152c3b2dd0cabde1c68e5319b839154dbb7f5",
	  "ed1c0cb4a95687b69175cb7f158dd8b9742bfecae5b72ce9f40589d088d63d54"
	  "e40ae5d39f2fdba095acd7708b4a9d59" },
	{ "VeriSign Class 3 Primary CA-G1",
	  "742c3192e607e424eb4549542be1bbc53e6174e2",
	  "e7685634efacf69ace939a6b255b7b4fabef42935b50a265acb5cb6027e44e70" },
	{ "VeriSign Class 3 Primary CA-G1.5",
	  "a1db6393916f17e4185509400415c70240b0ae6b",
	  "a4b6b3996fc2f306b3fd8681bd63413d8c5009cc4fa329c2ccf0e2fa1b140305" },
	{ "VeriSign Class 3 Primary CA-G2",
	  "85371ca6e550143dce2803471bde3a09e8f8770f",
	  "83ce3c1229688a593d485f81973c0f9195431eda37cc5e36430e79c7a888638b" },
	{ "VeriSign Class 3 Primary CA-G3",
	  "132d0d45534b6997cdb2d5c339e25576609b5cc6",
	  "eb04cf5eb1f39afa762f2bb120f296cba520c1b97db1589565b81cb9a17b7244" },
	{ "VeriSign Class 3 Primary CA-G5",
	  "4eb6d578499b1ccf5f581ead56be3d9b6744a5e5",
	  "9acfab7e43c8d880d06b262a94deeee4b4659989c3d0caf19baf6405e41ab7df" },
	{ "VeriSign Universal Root CA",
	  "3679ca35668772304d30a5fb873b0fa77bb70d54",
	  "2399561127a57125de8cefea610ddf2fa078b5c8067f4e828290bfb860e84b3c" },
	{ "GTE CyberTrust Global Root",
	  "97817950d81c9670cc34d809cf794431367ef474",
	  "a53125188d2110aa964b02c7b7c6da3203170894e5fb71fffb6667d5e6810a36" },
	{ "Baltimore CyberTrust Root",
	  "d4de20d05e66fc53fe1a50882c78db2852cae474",
	  "16af57a9f676b0ab126095aa5ebadef22ab31119d644ac95cd4b93dbf3f26aeb",
	  "5a04e86b69c71eb9d12917ad6551358452af6646192e50803e6a8f9e86cbadb1"
	  "7565b528c682dc2dc1e4ac6009cd170f" },
	{ "Cybertrust Global Root",
	  "5f43e5b1bff8788cac1cc7ca4a9ac6222bcc34c6",
	  "960adf0063e96356750c2965dd0a0867da0b9cbd6e77714aeafb2349ab393da3" },
	{ "Verizon Global Root CA",
	  "912198eef23dcac40939312fee97dd560bae49b1",
	  "68ad50909b04363c605ef13581a939ff2c96372e3f12325b0a6861e1d59f6603" },
	{ "Entrust.net CA (2048)",
	  "503006091d97d4f5ae39f7cbe7927d7d652d3431",
	  "6dc47172e01cbcb0bf62580d895fe2b8ac9ad4f873801e0c10b9c837d21eb177",
	  "fcc85f2949da5fa0227b21f94b15ac2fad8120a3b5063dc5ddb2ca3c0c0ec43a"
	  "4865fdcc08c3ea4c8b7fbd66d0496fd3" },
	{ "Entrust Root CA",
	  "b31eb1b740e36c8402dadc37d44df5d4674952f9",
	  "73c176434f1bc6d5adf45b0e76e727287c8de57616c1e6e6141a2b2cbc7d8e4c",
	  "f6e0c59dc46967b4b94665595a236c3f0ace639d9658aeabf478418fb10334bb"
	  "c617a7ac53d7746112b26f705fd2b870" },
	{ "Entrust Root CA-G2",
	  "8cf427fd790c3ad166068de81e57efbb932272d4",
	  "43df5774b03e7fef5fe40d931a7bedf1bb2e6b42738c4e6d3841103d3aa7f339",
	  "e54eacb44898ccdcafd73c8ac171a1281ce942e7d42c1bdf8db2cff0372cfb41"
	  "d5db735c0aad8924053ae9c4012a413b" },
	{ "AffirmTrust Premium",
	  "d8a6332ce0036fb185f6634f7d6a066526322827",
	  "70a73f7f376b60074248904534b11482d5bf0e698ecc498df52577ebf2e93b9a",
	  "4eb25c287e82d64d2feee26ce68fd7c4655ec3e799a0fb9a4575ebed5e097ce7"
	  "b435a24de16194f1983ef81d94d80585" },
	{ "DigiCert Global Root CA",
	  "a8985d3a65e5e5c4b2d7d66d40c6dd2fb19c5436",
	  "4348a0e9444c78cb265e058d5e8944b4d84f9662bd26db257f8934a443c70161",
	  "5f9ec4d00d5eca4e8e57328ce40db290bd96842ddb0be3e109601058464b7880"
	  "1f672722bb18f2135563b98079629c7f" },
	{ "DigiCert Global Root G2",
	  "df3c24f9bfd666761b268073fe06d1cc8d4f82a4",
	  "cb3ccbb76031e5e0138f8dd39a23f9de47ffc35e43c1144cea27d46a5ab1cb5f",
	  "d005d872a59e2b3c69d301e262ff2f13b4d1794bdb19db1cb32415bffc66e5e0"
	  "671a41b2a3bc4e54e6d2f66dfee09403" },
	{ "DigiCert Global Root G3",
	  "7e04de896a3e666d00e687d33ffad93be83d349e",
	  "31ad6648f8104138c738f39ea4320133393e3a18cc02296ef97c2ac9ef6731d0",
	  "444e0e95770a07430b901f6c3253c20355ed6e8d74c2febf63740e4993a8f894"
	  "8e66a4abc700da23fa9fc2554fbb4af0" },
	{ "DigiCert Trusted Root G4",
	  "ddfb16cd4931c973a2037d3fc83a4d7d775d05e4",
	  "552f7bdcf1a7af9e6ce672017f4f12abf77240c78e761ac203d1d9d20ac89988",
	  "1b50985b46da0d6b3808ea75fa03969ef2585c090981f644352754df66e05d0d"
	  "c555af764746093cca6398bb7bf514cf" },
	{ "GlobalSign ECC Root CA-R5",
	  "1f24c630cda418ef2069ffad4fdd5f463a1b69aa",
	  "179fbc148a3dd00fd24ea13458cc43bfa7f59c8182d783a513f6ebec100c8924",
	  "4202f87d632384f4ec79600441b0c1d8f98289746dc8559cbef53fdef5733e1e"
	  "9f911082822efd8556f99f71c97a0307" },
	{ "GlobalSign Root CA-R3",
	  "d69b561148f01c77c54578c10926df5b856976ad",
	  "cbb522d7b7f127ad6a0113865bdf1cd4102e7d0759af635a7cf4720dc963c53b",
	  "a7593a9e8ce91529e86d3dcb69a839a14114676047bca52496e5964d21c61434"
	  "78a44452d1f2c4088d8a80e887d0c228" },
	{ "GlobalSign Root CA-R6",
	  "8094640eb5a7a1ca119c1fddd59f810263a7fbd1",
	  "2cabeafe37d06ca22aba7391c0033d25982952c453647349763a3ab5ad6ccf69",
	  "b035a3e03b619bc68ae723ad9511ac722744a6f1dc51c96463791bb068ea17e3"
	  "118cf7578e249346b329387f5ba68df2" },
};
#define N_ROOTS	(sizeof(roots) / sizeof(*roots))

bool roots_next(struct reader *list, struct roots_digest *out)
{
	out->type = read_u8(list);
	out->size = read_u8(list);
	out->bytes = read_bytes(list, out->size);
	return !list->error;
}

/* The digest of R by the type that hellos number; NULL: not known. */
static const char *digest_of(const struct root *r, unsigned type)
{
	return type == 1 ? r->sha1 : type == 2 ? r->sha256 : type == 3 ? r->sha384 : NULL;
}

const struct root *roots_find(const struct roots_digest *d)
{
	char hex[2 * ROOTS_DIGEST + 1];

	if (d->size > ROOTS_DIGEST)
		return NULL;
	hex_show(d->bytes, d->size, hex);
	for (size_t i = 0; i < N_ROOTS; i++) {
		const char *own = digest_of(&roots[i], d->type);

		if (own && strcmp(hex, own) == 0)
			return &roots[i];
	}
	return NULL;
}

size_t roots_names(const uint8_t *list, size_t size, char *out, size_t room)
{
	bool seen[N_ROOTS] = { false };
	size_t n = 0, shown = 0, at = 0;
	struct roots_digest d;
	struct reader r;

	reader_init(&r, list, size);
	*out = '\0';
	while (roots_next(&r, &d)) {
		const struct root *root = roots_find(&d);

		if (!root || seen[root - roots])
			continue;
		seen[root - roots] = true;
		n++;
		/* Room for "and 12 more" stays; once something was left out, all the rest is. */
		if (shown + 1 == n && at + strlen(root->name) + 20 < room) {
			at += (size_t)snprintf(out + at, room - at, "%s%s", n > 1 ? ", " : "",
					       root->name);
			shown++;
		}
	}
	if (shown < n && shown)
		snprintf(out + at, room - at, ", and %zu more", n - shown);
	else if (shown < n)
		snprintf(out, room, "%zu public ones", n);
	return n;
}
