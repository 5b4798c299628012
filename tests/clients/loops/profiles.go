// Repeats GetCallerIdentity with a client for each of three profiles until the file exists.
//
//	profiles sdk|terraform once|again FILE
//
// `terraform` opens clients as Terraform's AWS provider does, with the same library. `once` uses the same clients all
// the time. `again` opens new ones for each round, which read the shared files again.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
)

// The default profile, and two others.
var profiles = []string{"", "prod", "audit"}

// The address of STS says whose request it is.
func address(profile string) string {
	if profile == "" {
		profile = "default"
	}
	return os.Getenv("AWS_ENDPOINT_URL") + "/" + profile
}

func sdk(ctx context.Context, profile string) aws.Config {
	var options []func(*config.LoadOptions) error
	if profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	settings, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		log.Fatal(profile, err)
	}
	return settings
}

// It also calls GetCallerIdentity to check the credentials.
func provider(ctx context.Context, profile string) aws.Config {
	_, settings, diagnostics := awsbase.GetAwsConfig(ctx, &awsbase.Config{
		Profile:     profile,
		Region:      "us-east-1",
		StsEndpoint: address(profile),
	})
	for _, diagnostic := range diagnostics {
		log.Fatal(profile, diagnostic.Summary(), diagnostic.Detail())
	}
	return settings
}

func main() {
	open := map[string]func(context.Context, string) aws.Config{"sdk": sdk, "terraform": provider}[os.Args[1]]
	ctx := context.Background()
	clients := map[string]*sts.Client{}
	for {
		if _, err := os.Stat(os.Args[3]); err == nil {
			return
		}
		for _, profile := range profiles {
			if os.Args[2] == "again" || clients[profile] == nil {
				clients[profile] = sts.NewFromConfig(open(ctx, profile), func(options *sts.Options) {
					options.BaseEndpoint = aws.String(address(profile))
				})
			}
			if _, err := clients[profile].GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil {
				log.Fatal(profile, err)
			}
		}
		time.Sleep(200 * time.Millisecond)
	}
}
