"""Does real firmware see the setup.bin? Boots UEFI firmware (OVMF) with a stick of every layout.

usage: firmware.py FOLDER-OF-PROGRAMS
The firmware's own FAT driver (EDK2's, which many vendors' is a descendant of) lists each stick and
compares each file, byte for byte, with that on the others and with a copy on a stick that mkfs.fat
and mcopy made. A FAT32 volume with too few clusters, which ukpu verify fails, must not be seen.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

BIN = sys.argv[1]
CODE, VARS = "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"
LIMIT = int(os.environ.get("USB_LAB_SECONDS", "240"))


def run(*words, **more):
    return subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


class Firmware:
    """OVMF's shell on a serial line."""

    def __init__(self, work, images):
        shutil.copy(VARS, work + "/vars.fd")
        words = ["qemu-system-x86_64", "-accel", "tcg", "-m", "256", "-display", "none", "-nodefaults",
                 "-no-reboot", "-serial", "stdio",
                 "-drive", "if=pflash,format=raw,readonly=on,file=" + CODE,
                 "-drive", "if=pflash,format=raw,file=%s/vars.fd" % work, "-device", "qemu-xhci,p2=8,p3=8"]
        for i, image in enumerate(images):
            words += ["-drive", "if=none,id=s%d,format=raw,file=%s" % (i, image),
                      "-device", "usb-storage,drive=s%d,removable=on,serial=S%d,port=%d" % (i, i, i + 1)]
        self.said = ""
        self.qemu = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            heard = os.read(self.qemu.stdout.fileno(), 4096)
            if not heard:
                return
            self.said += heard.decode(errors="replace")

    def heard(self, since):
        """What came since, without the colours."""
        return re.sub(r"\x1b\[[0-9;=]*[A-Za-z]", "", self.said[since:])

    def wait(self, pattern, since, limit=LIMIT):
        end = time.time() + limit
        while time.time() < end and self.qemu.poll() is None:
            if re.search(pattern, self.heard(since)):
                return self.heard(since)
            time.sleep(0.1)
        raise TimeoutError("the firmware did not say %r" % pattern)

    def ask(self, command):
        """Type it as a person would (the line has no buffer to speak of); what comes up to the next prompt."""
        since = len(self.said)
        for c in command + "\r":
            self.qemu.stdin.write(c.encode())
            self.qemu.stdin.flush()
            time.sleep(0.02)
        return self.wait(r"(Shell|FS\d+:\\)> \s*$", since, 60)


def make_sticks(work):
    env = dict(os.environ, XDG_STATE_HOME=work, UKPU_JOURNAL=work + "/sticks.db")
    setup = work + "/setup.bin"
    run(BIN + "/amt-keygen", "generate", "-n", "20", "--random-passwords", "-o", work + "/k.csv",
        "--setupbin", setup)
    images = []
    for layout, size in (("fat16", "64M"), ("fat16", "17M"), ("fat32", "128M"), ("superfloppy", "64M")):
        images.append("%s/%s-%s.img" % (work, layout, size))
        run(BIN + "/ukpu", "prepare", "--image", images[-1], "--size", size, "--layout", layout, setup,
            "--yes", "--second-stick", env=env)
    for name, args in (("other", ["-F", "16"]), ("small", ["-F", "32", "-s", "8"])):
        images.append("%s/%s.img" % (work, name))
        with open(images[-1], "wb") as f:
            f.truncate(64 << 20)
        run("mkfs.fat", *args, images[-1])
    run("mcopy", "-i", images[-2], setup, "::SETUP.BIN")
    return images, os.path.getsize(setup)


def look(firmware, images, size):
    """Yields (is it good, what it is)."""
    firmware.wait(r"seconds to skip", 0)
    firmware.ask("")
    volumes = {}
    table = firmware.ask("map -v")
    # Each volume's lines name its device path: the number of the stick's port says which it is.
    for name, path in re.findall(r"(FS\d+): .*?\n\s*(\S+)", table):
        port = re.search(r"USB\(0x([0-9A-F]+),", path)
        if port:
            volumes[int(port.group(1), 16)] = name
    names = [os.path.basename(i)[:-4] for i in images]
    for port, name in enumerate(names[:-1]):
        if port not in volumes:
            yield False, "%s: the firmware sees no volume on it" % name
            continue
        listing = firmware.ask("ls %s:" % volumes[port])
        entries = re.findall(r"^\d\d/\d\d/\d{4}.*$", listing, re.M)
        good = len(entries) == 1 and re.search(r"\s%s\s+SETUP\.BIN\s*$" % format(size, ","), entries[0])
        yield bool(good), "%s: nothing but SETUP.BIN, %d bytes, is on it" % (name, size)
        if port == len(names) - 2:
            continue
        answer = firmware.ask("comp %s:\\SETUP.BIN %s:\\SETUP.BIN" % (volumes[port], volumes[len(names) - 2]))
        yield "no differences" in answer, "%s: its bytes are those that mcopy wrote elsewhere" % name
    yield len(names) - 1 not in volumes, "%s: FAT32 with too few clusters is not seen" % names[-1]


def main():
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="kit-usb-") as work:
        images, size = make_sticks(work)
        firmware = Firmware(work, images)
        try:
            found = list(look(firmware, images, size))
        except TimeoutError as e:
            found = [(False, str(e))]
        firmware.qemu.kill()
    passed = all(good for good, _ in found) and len(found) > 1
    print("%s: firmware (UEFI), %d checks, %.0f s" % ("pass" if passed else "FAIL", len(found), time.time() - began))
    for good, what in found:
        if not good or os.environ.get("USB_LAB_VERBOSE"):
            print("    %s: %s" % ("ok" if good else "BAD", what))
    if not passed:
        print("\n".join("    " + line for line in firmware.heard(0).splitlines()[-60:]))
    sys.exit(0 if passed else 1)


main()
