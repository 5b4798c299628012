# Repeats GetCallerIdentity with one client until the file exists. Debian's version is older than AWS_ENDPOINT_URL.
require "aws-sdk-core"

sts = Aws::STS::Client.new(endpoint: ENV.fetch("AWS_ENDPOINT_URL"))
until File.exist?(ARGV[0])
  sts.get_caller_identity
  sleep 0.2
end
