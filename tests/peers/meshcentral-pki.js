// MeshCentral's server for hellos of version 3, with as little around it as it sets a machine up with.
//   meshcentral-pki.js FOLDER-OF-MESHCENTRAL PORT LEAF.pem ROOT.pem LEAF.key SUFFIX
// ROOT.key beside ROOT.pem signs the machine's certificate. The password for the machine comes in
// AMT_PASSWORD. Prints what the server says, "key pair:" what is not said otherwise, and ends when
// a machine is set up. It listens on all addresses, as it always does.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const [folder, port, leaf, root, key, suffix] = process.argv.slice(2);
const forge = require(require.resolve('node-forge', { paths: [folder] }));

// It asks for the name of the address, and waits for as long as nobody answers.
require('dns').reverse = (address, done) => setImmediate(() => done(new Error('no names here')));

const pem = file => fs.readFileSync(file, 'latin1');
const digest = (kind, text) => new crypto.X509Certificate(text)['fingerprint' + kind]
	.replace(/:/g, '').toLowerCase();
const group = 'mesh//test';
const certificate = {
	cn: suffix, certs: [], key: pem(key), sha1: digest('', pem(root)), sha256: digest('256', pem(root)),
};
const parent = {
	crypto, fs, path: require('path'), datapath: process.cwd(),
	common: { sortObj: o => o, validateString: s => typeof s === 'string' },
	debug: (where, ...said) => console.log(said.join(' ')),
	config: { domains: { '': { id: '', amtacmactivation: { certs: [certificate] }, amtmanager: {} } } },
	certificates: { root: { cert: pem(root) } },
	webserver: {
		certificates: { root: { key: pem(root.replace(/pem$/, 'key')) } },
		meshes: { [group]: { _id: group, domain: '', mtype: 1,
			amt: { type: 4, password: process.env.AMT_PASSWORD } } },
		CreateMeshDispatchTargets: () => [], CloneSafeNode: node => node,
	},
	certificateOperations: {
		forge,
		// Its own has the leaf first. That is turned round before it is used, and refused by
		// node, whose key then belongs to the root: so hand it over the other way round.
		getAcmCertChain: () => ({ certs: [pem(root), pem(leaf)], signkey: pem(key) }),
	},
	db: { Get: (id, done) => done(null, []), Set: () => {} },
	DispatchEvent: () => {},
	SetConnectivityState: () => setImmediate(() => process.exit(0)),
	AddEventDispatch: () => {},
};
// Of the module that manages machines only what signs their certificates.
parent.amtManager = require(folder + '/amtmanager.js').CreateAmtManager(parent);
parent.amtManager.startAmtManagement = () => {};

const server = require(folder + '/amtprovisioningserver.js').CreateAmtProvisioningServer(parent, {
	port: Number(port), devicegroup: group, trustedfqdn: suffix, newmebxpassword: process.env.AMT_PASSWORD,
});
if (!server) process.exit(2);
setTimeout(() => { console.log('nothing was set up'); process.exit(1); }, 60000);
