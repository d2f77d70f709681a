# Prepares a machine inside the machine: own mounts, own network. $1 is octro, $2 an empty folder.
# What it does to the files of /etc is seen in here alone.
set -e
octro=$1
cd "$2"
mount --make-rprivate /
ip link set lo up

# An account without a password.
cp /etc/passwd passwd
cp /etc/shadow shadow
echo 'octro-open:x:4242:4242::/nonexistent:/bin/sh' >> passwd
echo 'octro-open::19000:0:99999:7:::' >> shadow
mount --bind passwd /etc/passwd
mount --bind shadow /etc/shadow

# A file system in the clear. And a LUKS container, opened and mounted where the kernel can.
truncate -s 16M clear.img
mkfs.ext4 -q -F clear.img
mkdir clear
mount -o loop clear.img clear
truncate -s 32M luks.img
printf secret | cryptsetup luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 -q luks.img -
if printf secret | cryptsetup open luks.img "octro-$$" - 2> cryptsetup.err; then
  trap 'umount luks; cryptsetup close "octro-$$"' EXIT
  mkfs.ext4 -q "/dev/mapper/octro-$$"
  mkdir luks
  mount "/dev/mapper/octro-$$" luks
else
  echo "the kernel has no device mapper: the LUKS container stays closed ($(cat cryptsetup.err))" >&2
fi

# Two firewalls at once: one lets 8443 in and drops the rest, the other drops 9000 and lets the rest in.
nft add table inet t
nft add chain inet t input '{ type filter hook input priority 0; policy drop; }'
nft add rule inet t input ct state established,related accept
nft add rule inet t input tcp dport '{ 8443, 9000 }' accept
iptables-legacy -P INPUT ACCEPT
iptables-legacy -A INPUT -p tcp --dport 9000 -j DROP

# Three listeners, for as long as the check lasts.
python3 - "$octro" <<'PYTHON'
import socket, subprocess, sys
held = []
for port in (8443, 9000, 5555):
    listener = socket.socket()
    listener.bind(("0.0.0.0", port))
    listener.listen()
    held.append(listener)
command = [sys.argv[1], "check", "host", "--all", "--format", "json", "--quiet"]
sys.exit(subprocess.run(command, stdin=subprocess.DEVNULL).returncode)
PYTHON
