package main

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"

	"github.com/valyala/fasthttp"
)

// providerVariable tells a proxy where the provider is.
const providerVariable = "BENCH_PROVIDER"

// serveFasthttpProxy is the least that a proxy can do on fasthttp: it copies the request over,
// and the answer back as it comes.
func serveFasthttpProxy() error {
	to, err := url.Parse(os.Getenv(providerVariable))
	if err != nil {
		return err
	}
	up := &fasthttp.HostClient{
		Addr: to.Host, MaxConns: 1 << 16, StreamResponseBody: true, NoDefaultUserAgentHeader: true,
		DisableHeaderNamesNormalizing: true, DisablePathNormalizing: true,
	}
	server := &fasthttp.Server{MaxRequestBodySize: 64 << 20, NoDefaultServerHeader: true, Concurrency: 1 << 20, Handler: func(c *fasthttp.RequestCtx) {
		c.Request.SetHost(to.Host)
		c.Request.Header.Del("Connection")
		if err := up.Do(&c.Request, &c.Response); err != nil {
			c.Error(err.Error(), fasthttp.StatusBadGateway)
			return
		}
		c.Response.Header.Del("Connection")
		c.Response.ImmediateHeaderFlush = c.Response.IsBodyStream()
	}}
	return listen(server.Serve)
}

// serveNetHTTPProxy is the standard library's reverse proxy as it comes, with room for
// connections that are used again.
func serveNetHTTPProxy() error {
	to, err := url.Parse(os.Getenv(providerVariable))
	if err != nil {
		return err
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 1 << 16, DisableCompression: true}
	proxy.FlushInterval = -1
	return listen(func(ln net.Listener) error { return http.Serve(ln, proxy) })
}
