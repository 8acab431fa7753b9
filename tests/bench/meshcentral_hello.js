// MeshCentral's hello server alone, as the reference: with as little around it as it starts with.
// meshcentral_hello.js PORT
"use strict";
const certificate = { subject: { getField: () => ({ value: "reference" }) } };
const parent = {
	debug: () => {},
	webserver: { meshes: {} },
	certificates: { root: { cert: "" } },
	certificateOperations: { forge: { pki: { certificateFromPem: () => certificate } } },
};
const server = require("meshcentral/amtprovisioningserver.js").CreateAmtProvisioningServer(parent, {
	port: parseInt(process.argv[2], 10),
	devicegroup: "none",
	newmebxpassword: "Reference.1",
});
if (!server) process.exit(2);
