// Claims about checkpoints and inclusion, put to @sigstore/verify (npm): its own reader of its transparency log's checkpoints.
"use strict";
const { createPublicKey } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");

const installed = createRequire(join(process.argv[2], "package.json"));
const { verifyCheckpoint } = installed("@sigstore/verify/dist/tlog/checkpoint");
const { verifyMerkleInclusion } = installed("@sigstore/verify/dist/tlog/merkle");
const { version } = installed("@sigstore/verify/package.json");

const read = (text) => Buffer.from(text, "base64");
const ED25519_DER_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

// null where the claim holds, what is wrong where it does not, "-" where this reader does not read such.
function judged(claim) {
  if (claim.kind !== "checkpoint" && claim.kind !== "inclusion") return "-";
  try {
    const key = Buffer.concat([ED25519_DER_PREFIX, read(claim.public)]);
    const log = {
      logID: read(claim.key_id),
      baseURL: "https://" + claim.origin,
      publicKey: createPublicKey({ key, format: "der", type: "spki" }),
    };
    const entry = {
      inclusionProof: {
        logIndex: String(claim.index ?? 0),
        hashes: (claim.path ?? []).map(read),
        checkpoint: { envelope: claim.note },
      },
      canonicalizedBody: read(claim.entry ?? ""),
    };
    const shown = verifyCheckpoint(entry, [log]);
    if (shown.logSize !== BigInt(claim.size) || !shown.logHash.equals(read(claim.root))) return "the checkpoint says something else";
    if (claim.kind === "inclusion") verifyMerkleInclusion(entry, shown);
    return null;
  } catch (problem) {
    return String(problem.message || problem);
  }
}

const said = JSON.parse(readFileSync(0, "utf8")).map(judged);
process.stdout.write(JSON.stringify({ reader: "@sigstore/verify " + version + " (npm)", said }));
