"""Certificates by hand: issue, inspect, rotate."""

VERBS = {
    "issue": "A serving certificate for the mode `secret`: as files, or as a Secret.",
    "inspect": "What a certificate says and what is wrong with it: in a file, on a port, in the cluster.",
    "rotate": "Let a new CA follow the one in the cluster, now.",
}
