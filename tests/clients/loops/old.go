// One GetCallerIdentity with the SDK for Go v1, which does not support AWS_ENDPOINT_URL.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/sts"
)

func main() {
	one, err := session.NewSession(&aws.Config{Endpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL"))})
	if err == nil {
		_, err = sts.New(one).GetCallerIdentity(&sts.GetCallerIdentityInput{})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
