// Repeats a signed request with minio-go until the file exists. The chain is that of restic and of MinIO's own client.
package main

import (
	"context"
	"log"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

func main() {
	chain := credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.EnvMinio{},
		&credentials.FileAWSCredentials{},
		&credentials.FileMinioClient{},
		&credentials.IAM{},
	})
	host := strings.TrimPrefix(os.Getenv("AWS_ENDPOINT_URL"), "http://")
	client, err := minio.New(host, &minio.Options{Creds: chain, Region: os.Getenv("AWS_REGION")})
	if err != nil {
		log.Fatal(err)
	}
	for {
		if _, err := os.Stat(os.Args[1]); err == nil {
			return
		}
		if _, err := client.ListBuckets(context.Background()); err != nil {
			log.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
