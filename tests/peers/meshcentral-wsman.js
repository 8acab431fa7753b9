// MeshCentral's AMT stack against one machine: read, write, set the clock, change the admin
// entry, commit. Arguments: folder of the package, address, port. The password comes in
// AMT_PASSWORD. Prints what it read as JSON; exit status 0 only if every call went well.
'use strict';
const crypto = require('crypto');
const [folder, host, port] = process.argv.slice(2);
const NEW = process.env.AMT_PASSWORD + '2';

function connect(password) {
	const comm = require(folder + '/amt/amt-wsman-comm.js')(host, Number(port), 'admin', password, 0);
	return require(folder + '/amt/amt.js')(require(folder + '/amt/amt-wsman.js')(comm));
}
function fail(what, status) {
	console.error('FAIL: ' + what + ': status ' + status);
	process.exit(1);
}
// A call of the stack as a promise for its answer's body; ReturnValue has to be 0 if there is one.
function ask(what, start) {
	return new Promise(resolve => start((stack, name, answer, status) => {
		if (status !== 200) fail(what, status);
		const body = answer.Body || answer;
		if (body.ReturnValue) fail(what, body.ReturnValue);
		resolve(body);
	}));
}

async function main() {
	const amt = connect(process.env.AMT_PASSWORD);
	const read = await ask('reading', done => amt.BatchEnum(null, ['*AMT_GeneralSettings',
		'CIM_SoftwareIdentity', '*AMT_SetupAndConfigurationService',
		'*CIM_ComputerSystemPackage'], done));
	const general = read.AMT_GeneralSettings.response;

	general.HostName = 'mesh1';
	general.DomainName = 'corp.example';
	const written = await ask('writing', done => amt.Put('AMT_GeneralSettings', general, done, 0, 1));
	const clock = await ask('reading the clock',
		done => amt.AMT_TimeSynchronizationService_GetLowAccuracyTimeSynch(done));
	const now = Math.round(Date.now() / 1000);
	await ask('setting the clock', done =>
		amt.AMT_TimeSynchronizationService_SetHighAccuracyTimeSynch(clock.Ta0, now, now, done));
	const uuid = await ask('the UUID', done => amt.AMT_SetupAndConfigurationService_GetUuid(done));
	const digest = crypto.createHash('md5').update('admin:' + general.DigestRealm + ':' + NEW).digest('base64');
	await ask('the admin entry',
		done => amt.AMT_AuthorizationService_SetAdminAclEntryEx('admin', digest, done));
	// The old password has gone with that call: a new connection logs in with the new one.
	const again = connect(NEW);
	await ask('committing', done => again.AMT_SetupAndConfigurationService_CommitChanges(null, done));
	const state = await ask('reading again', done => again.BatchEnum(null, ['*AMT_GeneralSettings'], done));
	console.log(JSON.stringify({
		versions: read.CIM_SoftwareIdentity.responses,
		state: read.AMT_SetupAndConfigurationService.response.ProvisioningState,
		guid: read.CIM_ComputerSystemPackage.response.PlatformGUID,
		uuid: Buffer.from(uuid.UUID, 'base64').toString('hex').toUpperCase(),
		host: state.AMT_GeneralSettings.response.HostName,
		domain: written.DomainName,
	}));
	process.exit(0);
}
setTimeout(() => fail('the whole', 'timeout'), 20000);
main();
