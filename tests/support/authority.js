// SPDX-License-Identifier: Apache-2.0
// A certificate authority of the test's own, made when the test runs; openssl does the work.
"use strict";
const { execFileSync } = require("node:child_process");
const { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync } = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
const openssl = (...words) => execFileSync("openssl", words, { stdio: ["ignore", "pipe", "pipe"] }).toString();

class Authority {
  constructor(name = "Test Authority") {
    this.directory = mkdtempSync(path.join(os.tmpdir(), "weir-ca-"));
    this.file = this.path("ca.pem");
    openssl("req", "-x509", ...newKey, "-keyout", this.path("ca.key"), "-out", this.file, "-days", "30", "-subj", `/CN=${name}`);
  }
  path(file) {
    return path.join(this.directory, file);
  }
  get pem() {
    return readFileSync(this.file);
  }
  /** Files {certificate, key}; days -1: expired. */
  issue(name, { names = "DNS:localhost,IP:127.0.0.1", days = 30 } = {}) {
    const pair = { certificate: this.path(`${name}.pem`), key: this.path(`${name}.key`) };
    const request = this.path(`${name}.csr`);
    openssl("req", ...newKey, "-keyout", pair.key, "-out", request, "-subj", `/CN=${name}`, "-addext", `subjectAltName=${names}`);
    openssl("x509", "-req", "-in", request, "-CA", this.file, "-CAkey", this.path("ca.key"), "-CAcreateserial",
      "-days", String(days), "-copy_extensions", "copyall", "-out", pair.certificate);
    return pair;
  }
  remove() {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** SHA-256 as Node shows it: AA:BB:… */
const fingerprint = (file) => openssl("x509", "-in", file, "-noout", "-fingerprint", "-sha256").trim().split("=")[1];

/** Lets `file` hold what `from` holds, in one step. */
function replaceFile(file, from) {
  copyFileSync(from, `${file}.new`);
  renameSync(`${file}.new`, file);
}

module.exports = { Authority, fingerprint, replaceFile };
