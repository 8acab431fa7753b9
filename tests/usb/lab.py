"""Boots a Debian kernel with USB sticks and runs guest scripts on it; the host's hands are here.

usage: lab.py FOLDER-OF-PROGRAMS FOLDER-OF-KERNEL [CASE...]
Each case is a script of cases/, with the sticks that its entry in CASES makes. It passes when the
guest came to its end, something was found good, and nothing bad.
"""
import concurrent.futures
import glob
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BIN, KERNEL = sys.argv[1], sys.argv[2]
LIMIT = int(os.environ.get("USB_LAB_SECONDS", "240"))
MIB = 1 << 20
ALWAYS = "xhci_pci ehci_pci usb_storage uas sd_mod vfat nls_cp437 nls_iso8859_1 nls_ascii nls_utf8".split()
ON_DEMAND = "scsi_debug dm_mod".split()

INIT = """#!/bin/busybox sh
export PATH=/usr/bin:/usr/sbin:/bin:/sbin
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp; mount -t tmpfs run /run
ln -s /proc/self/fd /dev/fd; ln -s /proc/self/fd/0 /dev/stdin
while read -r m; do insmod "$m" 2>/dev/null; done </modules.always
stty -echo </dev/ttyS0
. /guest.sh
. /case.sh
echo "END"
poweroff -f
"""

LOADMOD = """#!/bin/sh
# Load a module with what it needs; the arguments are the last one's.
name=$1; shift
last=$(tail -n 1 "/modules.$name")
while read -r m; do
	if [ "$m" = "$last" ]; then insmod "$m" "$@"; else insmod "$m" 2>/dev/null; fi
done <"/modules.$name"
"""


def run(*words, **more):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, **more).stdout.decode()


def copy_program(root, path):
    """The program and every library it is linked with, where the loader looks for them."""
    for one in [path] + [w for w in run("ldd", path).split() if w.startswith("/")]:
        at = root + (one if one != path else "/usr/bin/" + os.path.basename(path))
        os.makedirs(os.path.dirname(at), exist_ok=True)
        if not os.path.exists(at):
            shutil.copy(os.path.realpath(one), at)


def modules_of(version, name):
    try:
        out = run("modprobe", "-d", KERNEL, "-S", version, "--show-depends", name,
                  stderr=subprocess.DEVNULL)
    except subprocess.CalledProcessError:
        return []
    return [line.split()[1] for line in out.splitlines() if line.startswith("insmod")]


def add_modules(root, version):
    os.makedirs(root + "/modules", exist_ok=True)
    lists = {"always": []}
    for name in ALWAYS:
        lists["always"] += modules_of(version, name)
    for name in ON_DEMAND:
        lists[name] = modules_of(version, name)
    for name, files in lists.items():
        with open("%s/modules.%s" % (root, name), "w") as out:
            for one in dict.fromkeys(files):
                shutil.copy(one, root + "/modules")
                out.write("/modules/%s\n" % os.path.basename(one))


def make_base(work):
    """What all guests share: busybox, modules, ukpu, two setup.bin files."""
    root = work + "/root"
    for folder in "bin dev proc sys tmp run usr/bin".split():
        os.makedirs("%s/%s" % (root, folder))
    shutil.copy("/bin/busybox", root + "/bin/busybox")
    add_modules(root, os.listdir(KERNEL + "/lib/modules")[0])
    copy_program(root, BIN + "/ukpu")
    for name in ("dmsetup", "flock"):
        if shutil.which(name):
            copy_program(root, os.path.realpath(shutil.which(name)))
    for name, n in (("five", "5"), ("three", "3")):
        run(BIN + "/amt-keygen", "generate", "-n", n, "-q", "--random-passwords", "-o",
            "%s/%s.csv" % (work, name), "--setupbin", "%s/%s.bin" % (root, name),
            stderr=subprocess.DEVNULL)
    shutil.copy(HERE + "/guest.sh", root)
    for name, text in (("init", INIT), ("bin/loadmod", LOADMOD)):
        with open("%s/%s" % (root, name), "w") as out:
            out.write(text)
        os.chmod("%s/%s" % (root, name), 0o755)
    return root


def make_initramfs(root, case, out):
    """The base, and the case's script behind it: the kernel unpacks both."""
    base = out + ".base"
    with open(base, "wb") as f:
        names = subprocess.Popen(["find", ".", "-print0"], cwd=root, stdout=subprocess.PIPE)
        subprocess.run(["cpio", "--null", "-o", "-H", "newc", "--quiet"], cwd=root,
                       stdin=names.stdout, stdout=f, check=True)
    folder = out + ".case"
    os.makedirs(folder)
    shutil.copy("%s/cases/%s.sh" % (HERE, case), folder + "/case.sh")
    archive = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=folder,
                             input=b"case.sh\n", stdout=subprocess.PIPE, check=True).stdout
    with open(out, "wb") as f, open(base, "rb") as b:
        shutil.copyfileobj(b, f)
        f.write(archive)
    os.unlink(base)


class Machine:
    """One QEMU: its serial line, its monitor, and hands that do what the guest asks for."""

    def __init__(self, work, case, config):
        self.work, self.case, self.config = work, case, config
        self.log, self.bad, self.good, self.ended = [], 0, 0, False
        self.plugged, self.serial = 0, "AMT0001"
        self.turn = threading.Lock()

    def image(self, name, size=64 * MIB, fill=False):
        path = "%s/%s-%s.img" % (self.work, self.case, name)
        with open(path, "wb") as f:
            f.truncate(size)
        if fill:
            self.fill(path)
        return path

    @staticmethod
    def fill(path):
        """Something at both ends, so that clearing them takes its time."""
        size = os.path.getsize(path)
        with open(path, "r+b") as f:
            for at in (0, size - MIB):
                f.seek(at)
                f.write(b"\xa5" * MIB)

    def prepared(self, name):
        path = self.image(name)
        run(BIN + "/ukpu", "prepare", "--image", path, self.work + "/root/five.bin", "--yes", "--quiet",
            env=dict(os.environ, XDG_STATE_HOME="%s/state-%s-%s" % (self.work, self.case, name),
                     UKPU_JOURNAL="%s/%s-%s.db" % (self.work, self.case, name)))
        return path

    def start(self, initramfs):
        monitor = "%s/%s.qmp" % (self.work, self.case)
        words = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "384",
                 "-display", "none", "-no-reboot", "-nodefaults", "-serial", "stdio",
                 "-kernel", glob.glob(KERNEL + "/boot/vmlinuz-*")[0], "-initrd", initramfs,
                 # On a busy machine an emulated timer may be late for the kernel's check of it.
                 "-append", "console=ttyS0 quiet panic=-1 no_timer_check",
                 "-qmp", "unix:%s,server=on,wait=off" % monitor]
        words += self.config["devices"](self)
        self.qemu = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
        self.qmp = socket.socket(socket.AF_UNIX)
        # There is no socket at first, and then one that nobody listens to yet.
        for _ in range(600):
            if self.qmp.connect_ex(monitor) == 0 or self.qemu.poll() is not None:
                break
            time.sleep(0.05)
        self.answers = self.qmp.makefile("r")
        self.answers.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        if self.qemu.poll() is not None:
            return None
        with self.turn:
            self.qmp.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
            while True:
                line = self.answers.readline()
                if not line:
                    return None
                answer = json.loads(line)
                if "error" in answer:
                    self.log.append("[host] %s: %s" % (command, answer["error"]["desc"]))
                    return None
                if "return" in answer:
                    return answer["return"]

    def type(self, text):
        self.qemu.stdin.write((text + "\n").encode())
        self.qemu.stdin.flush()

    # ---- hands ----

    def pull(self):
        self.ask("device_del", id="stick%d" % self.plugged)

    def plug(self):
        self.plugged += 1
        self.ask("device_add", driver="usb-storage", id="stick%d" % self.plugged, bus="usb.0",
                 drive="medium", serial=self.serial, removable=True)

    def written(self):
        """Bytes that have reached the stick that is plugged in now; None without one."""
        for one in self.ask("query-blockstats") or []:
            if "stick%d" % self.plugged in one.get("qdev", ""):
                return one["stats"]["wr_bytes"]
        return None

    def speed(self, bytes_per_second):
        self.ask("qom-set", path="/objects/limit", property="limits",
                 value={"bps-write": bytes_per_second})

    def do(self, word):
        """What the guest asked for, in a thread of its own: the serial line is read on."""
        if word.startswith("pull-at-"):
            now = self.written() or 0
            goal = now + int(word[8:])
            while now is not None and now < goal:
                time.sleep(0.02)
                now = self.written()
            self.pull()
            return
        if word == "plug":
            time.sleep(1)
            self.fill(self.main)
            self.plug()
        elif word == "swap-and-yes":
            time.sleep(3)
            self.pull()
            time.sleep(1)
            self.serial = "AMT0002"
            self.plug()
            time.sleep(2)
            self.type("yes")
            return
        elif word == "fast":
            self.speed(0)
        elif word == "slow":
            self.speed(SLOW)
        elif word == "eject":
            self.ask("human-monitor-command", **{"command-line": "eject -f slot0"})
            time.sleep(0.5)
        else:
            time.sleep(2)
            self.type(word)
            return
        self.type("")

    def watch(self):
        killer = threading.Timer(LIMIT, self.qemu.kill)
        killer.start()
        for raw in self.qemu.stdout:
            line = raw.decode(errors="replace").rstrip()
            self.log.append(line)
            self.bad += line.startswith("BAD")
            self.good += line.startswith("ok:")
            self.ended = self.ended or line == "END"
            if line.startswith("HOST: "):
                threading.Thread(target=self.do, args=(line[6:],), daemon=True).start()
        killer.cancel()
        self.qemu.wait()


SLOW = 400000
USB = {"xhci": "qemu-xhci", "ehci": "usb-ehci"}


def one_stick(bus="xhci", size=64 * MIB, slow=False, fill=False, locked=False):
    def devices(machine):
        machine.main = machine.prepared("stick") if locked else machine.image("stick", size, fill)
        return ["-device", USB[bus] + ",id=usb",
                "-object", "throttle-group,id=limit" + (",x-bps-write=%d" % SLOW if slow else ""),
                "-blockdev", "driver=file,filename=%s,node-name=file%s" % (
                    machine.main, ",read-only=on" if locked else ""),
                "-blockdev", "driver=throttle,throttle-group=limit,file=file,node-name=medium%s" % (
                    ",read-only=on" if locked else ""),
                "-device", "usb-storage,id=stick0,bus=usb.0,drive=medium,serial=AMT0001,removable=on"]
    return {"devices": devices}


def two_broken():
    def devices(machine):
        words = ["-device", "qemu-xhci,id=usb"]
        # A sector of the first FAT that takes no bytes; the first of the file that gives none.
        for i, (event, sector, path) in enumerate((("write_aio", 2100, machine.image("a")),
                                                    ("read_aio", 2583, machine.prepared("b")))):
            conf = "%s/%s-%d.conf" % (machine.work, machine.case, i)
            with open(conf, "w") as f:
                f.write('[inject-error]\nevent = "%s"\nerrno = "5"\nsector = "%d"\n'
                        'immediately = "off"\nonce = "off"\n' % (event, sector))
            words += ["-drive", "if=none,id=m%d,format=raw,file=blkdebug:%s:%s,werror=report,rerror=report"
                      % (i, conf, path),
                      "-device", "usb-storage,bus=usb.0,drive=m%d,removable=on,serial=AMT000%d" % (i, i + 1)]
        return words
    return {"devices": devices}


def card_reader():
    def devices(machine):
        words = ["-device", "qemu-xhci,id=usb", "-device", "usb-bot,id=bot,bus=usb.0,serial=READER"]
        for i, more in enumerate(("", ",logical_block_size=4096,physical_block_size=4096", "")):
            words += ["-drive", "if=none,id=slot%d,format=raw,file=%s" % (i, machine.image("slot%d" % i)),
                      "-device", "scsi-hd,bus=bot.0,drive=slot%d,removable=on,lun=%d%s" % (i, i, more)]
        return words
    return {"devices": devices}


def two_alike():
    def devices(machine):
        words = ["-device", "qemu-xhci,id=usb"]
        for i in range(3):
            words += ["-drive", "if=none,id=m%d,format=raw,file=%s" % (i, machine.image("alike%d" % i)),
                      "-device", "usb-storage,bus=usb.0,drive=m%d,removable=on,serial=%s"
                      % (i, "123456789ABC" if i < 2 else "AMT0001")]
        return words
    return {"devices": devices}


CASES = {
    "whole-life": [("xhci", one_stick()), ("ehci", one_stick("ehci"))],
    "asked": [("xhci", one_stick())],
    "pulled": [("xhci", one_stick(slow=True, fill=True)), ("ehci", one_stick("ehci", slow=True, fill=True))],
    "swapped": [("xhci", one_stick(fill=True))],
    "locked": [("xhci", one_stick(locked=True))],
    "broken": [("xhci", two_broken())],
    "reader": [("xhci", card_reader())],
    "alike": [("xhci", two_alike())],
    "in-use": [("xhci", one_stick())],
    "automount": [("xhci", one_stick())],
    "fake": [("no stick", {"devices": lambda machine: []})],
}


def play(work, root, case, bus, config):
    label = case if bus in ("xhci", "no stick") else "%s (%s)" % (case, bus)
    inner = tempfile.mkdtemp(dir=work, prefix=case + "-")
    machine = Machine(inner, case, config)
    os.symlink(root, inner + "/root")
    initramfs = inner + "/initramfs"
    make_initramfs(root, case, initramfs)
    began = time.time()
    machine.start(initramfs)
    machine.watch()
    passed = machine.ended and machine.good and not machine.bad
    text = "%s: %s, %d checks, %.0f s" % ("pass" if passed else "FAIL", label, machine.good + machine.bad,
                                          time.time() - began)
    if not passed:
        text += "\n" + "\n".join("    " + line for line in machine.log)
        if not machine.ended:
            text += "\n    (the guest did not come to its end)"
    elif os.environ.get("USB_LAB_VERBOSE"):
        text += "\n" + "\n".join("    " + line for line in machine.log)
    shutil.rmtree(inner)
    print(text, flush=True)
    return passed


def main():
    wanted = sys.argv[3:] or list(CASES)
    unknown = [name for name in wanted if name not in CASES]
    if unknown:
        sys.exit("no case is called %s; there are: %s" % (unknown[0], " ".join(CASES)))
    with tempfile.TemporaryDirectory(prefix="kit-usb-") as work:
        root = make_base(work)
        with concurrent.futures.ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // 2)) as pool:
            jobs = [pool.submit(play, work, root, case, bus, config)
                    for case in wanted for bus, config in CASES[case]]
            passed = [job.result() for job in jobs]
    print("%d of %d passed" % (sum(passed), len(passed)))
    sys.exit(0 if all(passed) else 1)


main()
