// Repeats GetCallerIdentity with one client until the file exists.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := sts.NewFromConfig(settings)
	for {
		if _, err := os.Stat(os.Args[1]); err == nil {
			return
		}
		if _, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil {
			log.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
