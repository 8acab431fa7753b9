// MeshCentral's hello server alone, as the reference: with as little around it as it starts with.
// meshcentral_hello.js FOLDER-OF-MESHCENTRAL PORT
"use strict";
const certificate = { subject: { getField: () => ({ value: "reference" }) } };
const parent = {
	debug: () => {},
	webserver: { meshes: {} },
	certificates: { root: { cert: "" } },
	certificateOperations: { forge: { pki: { certificateFromPem: () => certificate } } },
};
const server = require(process.argv[2] + "/amtprovisioningserver.js").CreateAmtProvisioningServer(parent, {
	port: parseInt(process.argv[3], 10),
	devicegroup: "none",
	newmebxpassword: "Reference.1",
});
if (!server) process.exit(2);
