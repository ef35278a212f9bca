#!/bin/sh
# Cài đặt trục từ gói này, không cần mạng. Installs the gateway from this bundle, without a network.
#
#   ./install.sh [--prefix /opt/gateway] [--link /usr/local/bin] [--python python@PYTHON@]
#
# Makes PREFIX/@VERSION@ (a Python environment) and LINK/gateway. An older version beside it stays, so that going back
# is moving one link. Nothing runs and nothing of an installation (GATEWAY_HOME) is touched.
set -eu
prefix=/opt/gateway link=/usr/local/bin python=python@PYTHON@
while [ $# -gt 0 ]; do
    case "$1" in
        --prefix) prefix=$2; shift 2 ;;
        --link) link=$2; shift 2 ;;
        --python) python=$2; shift 2 ;;
        *) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
done
fail() { echo "✗ $1" >&2; echo "  $2" >&2; exit 1; }

cd "$(dirname "$0")"
command -v sha256sum >/dev/null || fail "Thiếu lệnh sha256sum." "The command sha256sum is missing."
sha256sum --quiet --strict -c SHA256SUMS ||
    fail "Gói bị hỏng hoặc bị sửa; hãy chép lại từ nguồn." "The bundle is damaged or was changed; copy it again."
# What the checksums do not name has no place here: pip would take it.
extra=$(find . -type f ! -name SHA256SUMS | sed 's|^\./||' | while read -r file; do
    grep -qF "  $file" SHA256SUMS || echo "$file"; done)
[ -z "$extra" ] || fail "Gói có tệp lạ: $extra" "The bundle has files that do not belong to it: $extra"
"$python" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@PYTHON@")' 2>/dev/null ||
    fail "Gói này cần Python @PYTHON@ (tham số --python)." "This bundle needs Python @PYTHON@ (option --python)."

target=$prefix/@VERSION@
[ ! -e "$target" ] || fail "$target đã có; hãy xóa hoặc chọn --prefix khác." "$target is there already; remove it or choose another --prefix."
mkdir -p "$prefix" "$link"
"$python" -m venv --without-pip "$target"
PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 "$target/bin/python" "$(ls wheels/pip-*.whl)/pip" install \
    --disable-pip-version-check --no-cache-dir --quiet --no-deps --find-links wheels --require-hashes -r requirements.txt ||
    { rm -rf "$target"; fail "Không cài được; xem lỗi ở trên." "It could not be installed; see the error above."; }
ln -sfn "$target/bin/gateway" "$link/gateway"
"$link/gateway" --version
echo "✓ Đã cài vào $target. Tiếp theo: gateway init (xem docs/runbook.md, “Cài đặt lần đầu”)."
echo "  Installed in $target. Next: gateway init (docs/runbook.md, “First installation”)."
