#!/usr/bin/env bash
# Makes the signed commits and tags that the tests read, with git, GnuPG and ssh-keygen: `bash make.sh`, in this
# directory. It was run with git 2.39.5, GnuPG 2.2.40 and OpenSSH 9.2. The private keys are thrown away.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=$(mktemp -d)
trap 'GNUPGHOME=$home gpgconf --kill all 2>/dev/null || true; rm -rf "$home"' EXIT
export GNUPGHOME=$home GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
chmod 700 "$home"
cd "$home"

gpg_key() { # name, algorithm, usage, expiry
  gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-generate-key "$1 <$1@example.org>" "$2" "$3" "$4"
}
export_key() { gpg --batch --armor --export "$1@example.org" >"$here/$1.asc"; }
fingerprint() { gpg --batch --with-colons --list-keys "$1@example.org" | sed -n 's/^fpr:::::::::\([^:]*\):$/\1/p' | head -n 1; }

gpg_key rsa rsa2048 sign never
gpg_key ed25519 ed25519 sign never
gpg_key p256 nistp256 sign never
gpg_key other ed25519 sign never
# The first key only certifies; a subkey signs.
gpg_key subkey ed25519 cert never
gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-add-key "$(fingerprint subkey)" ed25519 sign never
# The key lasts for a day, the tests decide what time it is.
gpg_key expired ed25519 sign 1d
gpg_key revoked ed25519 sign never
# A key that signs with SHA-1.
gpg_key weak rsa2048 sign never

for name in ssh-ed25519 ssh-rsa ssh-ecdsa ssh-other; do
  type=${name#ssh-}
  [ "$type" = other ] && type=ed25519
  ssh-keygen -q -t "$type" -N '' -C "$name@example.org" -f "$name"
  cp "$name.pub" "$here/$name.sshpub"
done

git init -q -b main repository
cd repository
git config user.name Test
git config user.email test@example.org
commit() { # file, options of git
  local file=$1
  shift
  git "$@" commit -q --allow-empty -m "Signed: $file"$'\n\nWith a body.' "${sign[@]}"
  git cat-file commit HEAD >"$here/$file.commit"
}
tag() {
  local file=$1
  shift
  git "$@" tag "${sign[@]}" -m "Release: $file" "$file"
  git cat-file tag "$file" >"$here/$file.tag"
}
for name in rsa ed25519 p256 subkey expired revoked; do
  sign=(-S"$name@example.org")
  commit "$name"
done
sign=(-u "rsa@example.org")
tag rsa
sign=(-Sweak@example.org)
printf '#!/bin/sh\nexec gpg --digest-algo SHA1 "$@"\n' >../weak-gpg
chmod +x ../weak-gpg
commit weak -c gpg.program="$home/weak-gpg"
for name in ssh-ed25519 ssh-rsa ssh-ecdsa; do
  sign=(-S"$home/$name")
  commit "$name" -c gpg.format=ssh
done
sign=(-u "$home/ssh-ed25519")
tag ssh-ed25519 -c gpg.format=ssh
sign=()
commit unsigned
sign=(-a)
tag unsigned
# The same key, with a signature for something else than git.
printf 'tree 0\n' | ssh-keygen -q -Y sign -n file -f "$home/ssh-ed25519" 2>/dev/null >"$here/ssh-file.signature"

for name in rsa ed25519 p256 other subkey expired weak; do export_key "$name"; done
# GnuPG has made the certificate of revocation with the key; its first colon is there against mistakes.
sed 's/^:-----/-----/' "$home/openpgp-revocs.d/$(fingerprint revoked).rev" | gpg --batch --quiet --import
export_key revoked
