// MeshCentral's setup.bin module as a program: decode, re-make, make random files, and time it.
//   node meshcentral-setupbin.js FOLDER compare FILE JSON VARIABLES   it reads what we say it is
//   node meshcentral-setupbin.js FOLDER remake FILE OUT               decode, encode
//   node meshcentral-setupbin.js FOLDER random SEED OUT               a file with all it can say
//   node meshcentral-setupbin.js FOLDER encode N | decode N           prints seconds, in memory
// JSON is of "amt-setupbin show --json --secrets", VARIABLES of "amt-setupbin variables --json".
'use strict';
const fs = require('fs');
const path = require('path');
const [folder, verb, ...args] = process.argv.slice(2);
const stack = require(path.join(folder, 'amt', 'amt-setupbin.js'))();

const read = (file) => fs.readFileSync(file).toString('latin1');
const write = (file, text) => fs.writeFileSync(file, Buffer.from(text, 'latin1'));
const hex = (text) => Buffer.from(text, 'latin1').toString('hex');

function fail(what) {
	console.log('FAIL: ' + what);
	process.exit(1);
}

// The bytes of a value as our JSON has it, worked out here once more.
function bytesOf(info, value) {
	const text = String(value);
	if (text.startsWith('hex:')) return text.slice(4);
	const little = (n, bytes) => {
		const b = Buffer.alloc(4);
		b.writeUInt32LE(n);
		return b.slice(0, bytes).toString('hex');
	};
	const swap = (h) => Buffer.from(h, 'hex').reverse().toString('hex');
	switch (info.type) {
	case 'u8': case 'u16': case 'u32': {
		const word = (info.values || '').split(' ').find((w) => w.endsWith('=' + text));
		return little(word ? parseInt(word) : Number(text), info.max_bytes);
	}
	case 'IPv4':
		return text.split('.').map((n) => little(Number(n), 1)).reverse().join('');
	case 'GUID': {
		const g = text.split('-');
		return swap(g[0]) + swap(g[1]) + swap(g[2]) + g[3] + g[4];
	}
	case 'hash': {
		const [kind, digest] = text.split(':');
		const name = Buffer.from(text.slice(kind.length + digest.length + 2));
		return { sha1: '01', sha256: '02', sha384: '03' }[kind] + digest +
			little(name.length, 1) + name.toString('hex');
	}
	case 'raw':
		return text;
	default:
		return Buffer.from(text).toString('hex');
	}
}

// MeshCentral gives numbers for variables of type 1 to 3, and sorts by id.
function itsBytes(v) {
	if (typeof v.value === 'string') return hex(v.value);
	const b = Buffer.alloc(4);
	b.writeUInt32LE(v.value);
	return b.slice(0, v.length).toString('hex');
}

function compare(file, json, variables) {
	const theirs = stack.AmtSetupBinDecode(read(file));
	const ours = JSON.parse(fs.readFileSync(json));
	const infos = JSON.parse(fs.readFileSync(variables));
	if (!theirs) fail(file + ': MeshCentral does not read it');
	const version = theirs.majorVersion + '.' + theirs.minorVersion;
	if (version !== ours.header.file_version) fail('version ' + version);
	if (theirs.fileType !== theirs.majorVersion) fail('file type ' + theirs.fileType);
	if (theirs.dataRecordsConsumed !== ours.header.consumed) fail('consumed');
	if (((theirs.flags & 1) === 0) !== ours.header.consume) fail('file flags');
	if (theirs.records.length !== ours.records.length) fail('number of records');
	theirs.records.forEach((r, i) => {
		const our = ours.records[i];
		if (((r.flags & 1) !== 0) !== our.valid) fail('valid flag of record ' + (i + 1));
		if (((r.flags & 2) !== 0) !== Boolean(our.scrambled)) fail('scrambled flag');
		const line = (m, id, h) => m * 100000 + id + ' ' + h;
		const a = r.variables.map((v) => line(v.moduleid, v.varid, itsBytes(v))).sort();
		const b = our.variables.map((v) => {
			const info = infos.find((k) => k.name === v.name);
			return line(info.module, info.id, bytesOf(info, v.value));
		}).sort();
		if (a.join('\n') !== b.join('\n'))
			fail('record ' + (i + 1) + ' of ' + file + ' is to MeshCentral\n' + a.join('\n') +
				'\nand to us\n' + b.join('\n'));
	});
}

// The same file for the same seed.
function generator(seed) {
	let state = seed >>> 0;
	return (n) => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return Math.floor(state / 65536) % n;
	};
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
function key(draw, groups, free) {
	let out = '';
	for (let g = 0; g < groups; g++) {
		let part = '', sum = 0;
		for (let i = 0; i < free; i++) part += ALPHABET[draw(36)];
		for (const c of part) sum += c.charCodeAt(0);
		out += part + ALPHABET[sum % 36];
	}
	return out;
}

function random(seed, out) {
	const draw = generator(seed);
	const version = 1 + seed % 4;
	const flags = version > 1 ? draw(2) : 0;
	const file = stack.AmtSetupBinCreate(version, flags);
	const text = (n) => Array.from({ length: 1 + draw(n) }, () => ALPHABET[draw(36)]).join('');
	const bytes = (n) => Array.from({ length: n }, () => String.fromCharCode(draw(256))).join('');
	for (let n = 1 + draw(20); n; n--) {
		const variables = [
			{ moduleid: 1, varid: 1, value: 'admin' },
			{ moduleid: 1, varid: 2, value: 'aA1!' + text(20) },
			{ moduleid: 2, varid: 1, value: key(draw, 1, 7) },
			{ moduleid: 2, varid: 2, value: key(draw, 8, 3) },
		];
		const maybe = (moduleid, varid, value) => {
			if (draw(3) === 0) variables.splice(draw(variables.length + 1), 0,
				{ moduleid, varid, value });
		};
		maybe(1, 3, draw(2)); maybe(1, 4, draw(3)); maybe(1, 5, draw(3));
		maybe(2, 3, text(60)); maybe(2, 4, text(40)); maybe(2, 5, draw(2));
		maybe(2, 6, draw(2)); maybe(2, 7, draw(3));
		maybe(2, 8, '\x01' + bytes(20) + '\x05' + 'Root ');
		maybe(2, 10, draw(8)); maybe(2, 11, text(20)); maybe(2, 12, text(30));
		maybe(2, 13, 1 + draw(2)); maybe(2, 15, bytes(2)); maybe(2, 16, draw(2));
		maybe(2, 17, bytes(4)); maybe(2, 18, draw(65536)); maybe(2, 23, draw(2));
		maybe(2, 25, draw(2)); maybe(2, 26, [0, 1, 255][draw(3)]); maybe(2, 28, draw(2));
		maybe(2, 30, draw(65535) + 1); maybe(2, 31, text(30)); maybe(2, 34, 1 << draw(3));
		file.records.push({ typeIdentifier: 1, variables,
			flags: draw(4) ? 1 + 2 * (version > 3 ? draw(2) : 0) : 0 });
	}
	file.dataRecordsConsumed = flags ? 0 : draw(file.records.length + 1);
	const encoded = stack.AmtSetupBinEncode(file);
	// It has no bound on a record's length: then this is no file of one-chunk records.
	if (encoded.length !== 512 * (file.records.length + 1)) process.exit(3);
	write(out, encoded);
}

const seconds = (work) => {
	const start = process.hrtime.bigint();
	work();
	console.log((Number(process.hrtime.bigint() - start) / 1e9).toFixed(4));
};

switch (verb) {
case 'compare':
	compare(...args);
	break;
case 'remake':
	write(args[1], stack.AmtSetupBinEncode(stack.AmtSetupBinDecode(read(args[0]))));
	break;
case 'random':
	random(Number(args[0]), args[1]);
	break;
case 'encode': case 'decode': {
	const draw = generator(1);
	const file = stack.AmtSetupBinCreate(2, 0);
	for (let n = Number(args[0]); n; n--)
		file.records.push({ typeIdentifier: 1, flags: 1, variables: [
			{ moduleid: 1, varid: 1, value: 'admin' },
			{ moduleid: 1, varid: 2, value: 'P@ssw0rd' },
			{ moduleid: 2, varid: 1, value: key(draw, 1, 7) },
			{ moduleid: 2, varid: 2, value: key(draw, 8, 3) },
		] });
	let bytes;
	// Strings are joined when they are first looked at: that belongs to the encoding.
	const encode = () => {
		bytes = Buffer.from(stack.AmtSetupBinEncode(file), 'latin1');
	};
	if (verb === 'encode') {
		seconds(encode);
		break;
	}
	encode();
	const text = bytes.toString('latin1');
	seconds(() => stack.AmtSetupBinDecode(text) || fail('not read'));
	break;
}
default:
	fail('verb ' + verb);
}
