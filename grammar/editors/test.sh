#!/usr/bin/env bash
# Tests the editor files: colours in VS Code and its package, the tree-sitter grammar and queries.
# Tools are installed below this folder. What cannot run says so in a line that starts `SKIPPED:`.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
version=0.27 # of tree-sitter: another one may write another parser

step() { printf '\n== %s\n' "$1"; }
fail() { printf 'error: %s\n' "$1" >&2; exit 1; }

if ! command -v npm >/dev/null; then
  echo "SKIPPED: the tests of the editor files need npm"
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step "tools"
if ! npm install --no-package-lock --no-audit --no-fund --loglevel=error; then
  echo "SKIPPED: the tests of the editor files need packages that npm could not install"
  exit 0
fi
bin=$PWD/node_modules/.bin

step "VS Code: scopes"
"$bin/vscode-tmgrammar-test" -g vscode/syntaxes/vp.tmLanguage.json 'vscode/test/*.vp'

step "VS Code: package"
(cd vscode && "$bin/vsce" package --allow-missing-repository --out "$work/vp.vsix" >"$work/vsce" 2>&1) ||
  { cat "$work/vsce"; fail "the extension cannot be packaged"; }
grep DONE "$work/vsce"

step "tree-sitter: the tool"
# The npm package downloads a program when it is installed; where that fails, cargo builds it.
tree_sitter=
for candidate in "$bin/tree-sitter" tree-sitter "$PWD/.tools/bin/tree-sitter"; do
  if "$candidate" --version 2>/dev/null | grep -q "tree-sitter $version\."; then
    tree_sitter=$candidate
    break
  fi
done
if [ -z "$tree_sitter" ] && command -v cargo >/dev/null; then
  echo "building tree-sitter-cli, once"
  cargo install --quiet --locked --debug --no-default-features --root .tools \
    tree-sitter-cli --version "~$version" && tree_sitter=$PWD/.tools/bin/tree-sitter
fi
if [ -z "$tree_sitter" ]; then
  echo "SKIPPED: the tests of the tree-sitter grammar need tree-sitter $version"
  exit 0
fi
if ! command -v cc >/dev/null; then
  echo "SKIPPED: the tests of the tree-sitter grammar need a C compiler"
  exit 0
fi
"$tree_sitter" --version

cd tree-sitter-vp
export TREE_SITTER_DIR=$work/config TREE_SITTER_LIBDIR=$work/lib RUST_BACKTRACE=0
mkdir -p "$TREE_SITTER_DIR" "$TREE_SITTER_LIBDIR"
printf '{"parser-directories": ["%s"]}\n' "$(dirname "$PWD")" >"$TREE_SITTER_DIR/config.json"

step "tree-sitter: src/ is what grammar.js says"
mkdir -p "$work/src"
"$tree_sitter" generate --output "$work/src"
for file in parser.c grammar.json node-types.json; do
  cmp "$work/src/$file" "src/$file" ||
    fail "run \`tree-sitter generate\` in grammar/editors/tree-sitter-vp"
done

step "tree-sitter: trees and colours"
"$tree_sitter" test

step "tree-sitter: files of the language"
good=0 bad=0
for file in "$root"/tests/corpus/good/*.vp "$root"/tests/corpus/bad/*.vp \
  "$root"/experiments/*.vp "$root"/stdlib/*.vp; do
  name=${file#"$root"/}
  found=$("$tree_sitter" parse --quiet "$file" 2>&1) && wrong=no || wrong=yes
  if grep -qxF "$name" test/broken.txt; then
    [ $wrong = yes ] && grep -qE 'ERROR|MISSING' <<<"$found" || fail "$name must not parse"
    bad=$((bad + 1))
  else
    [ $wrong = no ] || fail "$name must parse: $found"
    good=$((good + 1))
  fi
done
echo "$good files parse, $bad broken ones do not"

step "queries"
for query in queries/*.scm ../helix/queries/vp/*.scm ../zed/languages/vp/*.scm; do
  "$tree_sitter" query --quiet "$query" "$root"/experiments/quickstart.vp >"$work/query" 2>&1 ||
    { cat "$work/query"; fail "$query does not fit the grammar"; }
  if grep -n '#[a-z-]*[?!]' "$query" | grep -v '#match?'; then
    fail "$query uses a predicate that not every editor knows"
  fi
  echo "$query"
done

step "done"
