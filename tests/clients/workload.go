// A fake of the SPIFFE Workload API for `spire-agent api fetch jwt`: each token comes from a URL.
//
//	workload SOCKET URL
package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
)

type api struct {
	workload.UnimplementedSpiffeWorkloadAPIServer
	url string
}

func (a api) FetchJWTSVID(_ context.Context, request *workload.JWTSVIDRequest) (*workload.JWTSVIDResponse, error) {
	answer, err := http.Get(a.url + "?audience=" + url.QueryEscape(request.Audience[0]))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	token, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	svid := workload.JWTSVID{SpiffeId: "spiffe://example.org/deploy", Svid: string(token)}
	return &workload.JWTSVIDResponse{Svids: []*workload.JWTSVID{&svid}}, nil
}

func (a api) FetchJWTBundles(_ *workload.JWTBundlesRequest, stream workload.SpiffeWorkloadAPI_FetchJWTBundlesServer) error {
	bundles := map[string][]byte{"spiffe://example.org": []byte(`{"keys":[]}`)}
	if err := stream.Send(&workload.JWTBundlesResponse{Bundles: bundles}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

func main() {
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer()
	workload.RegisterSpiffeWorkloadAPIServer(server, api{url: os.Args[2]})
	panic(server.Serve(listener))
}
