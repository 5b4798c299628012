// Repeats GetCallerIdentity with one client until the file exists. The SDK for Go v1 does not support AWS_ENDPOINT_URL.
package main

import (
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/sts"
)

func main() {
	one, err := session.NewSession(&aws.Config{Endpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL"))})
	if err != nil {
		log.Fatal(err)
	}
	client := sts.New(one)
	for {
		if _, err := os.Stat(os.Args[1]); err == nil {
			return
		}
		if _, err := client.GetCallerIdentity(&sts.GetCallerIdentityInput{}); err != nil {
			log.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
