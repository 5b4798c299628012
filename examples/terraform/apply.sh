#!/bin/sh
# Applies a plan with a role, however long it takes: `apply.sh production.tfvars`.
#
# The AWS provider and the S3 backend fetch new credentials from xassume before the old ones expire, so nothing is
# interrupted. Never run Terraform with `--on-expiry restart`: an apply that is stopped halfway leaves a lock and half
# of its changes. The configuration must not contain a profile or access keys, which take precedence over the endpoint.
set -eu

if [ "$#" -ne 1 ]; then
    echo "usage: apply.sh FILE.tfvars" >&2
    exit 2
fi
export XASSUME_ROLE_ARN="${XASSUME_ROLE_ARN:-arn:aws:iam::521111111144:role/DeployMaster}"
export XASSUME_VIA=endpoint

xassume --expect-account 521111111144 -- terraform init -input=false
xassume -- terraform plan -input=false -var-file="$1" -out=apply.tfplan
# Ctrl-C reaches Terraform only once, so it can stop cleanly.
xassume -- terraform apply -input=false apply.tfplan
