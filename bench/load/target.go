package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// A run of @, this long or longer, stands in a body wherever a request's own number belongs: in its uid, in a name, in
// what makes its shape new. Of a number that is longer than the run the last digits are written.
const shortest, longest = 5, 12

type stamp struct{ at, length int }

// target is whom to ask and what.
type target struct {
	address, path, ca, certificate, key, file string
	expected                                  int

	config  *tls.Config
	request []byte
	body    int // where the body begins in request
	stamps  []stamp
	last    atomic.Int64
}

func targetFlags() *target {
	t := &target{}
	flag.StringVar(&t.address, "address", "", "host:port")
	flag.StringVar(&t.path, "path", "/mutate", "where to POST")
	flag.StringVar(&t.ca, "ca", "", "the server's CA, PEM")
	flag.StringVar(&t.certificate, "cert", "", "our client certificate, if one is asked for")
	flag.StringVar(&t.key, "key", "", "its key")
	flag.StringVar(&t.file, "body", "", "the body, JSON")
	flag.IntVar(&t.expected, "expect", http.StatusOK, "status")
	return t
}

func (t *target) read() error {
	body, err := os.ReadFile(t.file)
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(t.ca)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	t.config = &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: []string{"http/1.1"}}
	if t.certificate != "" {
		pair, err := tls.LoadX509KeyPair(t.certificate, t.key)
		if err != nil {
			return err
		}
		t.config.Certificates = []tls.Certificate{pair}
	}
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kube-apiserver-admission\r\n"+
		"Content-Length: %d\r\nAccept: application/json\r\nContent-Type: application/json\r\n\r\n", t.path, len(body))
	t.request, t.body = append([]byte(head), body...), len(head)
	for at, length := t.body, 0; at < len(t.request); at += length + 1 {
		rest := t.request[at:]
		length = len(rest) - len(bytes.TrimLeft(rest, "@"))
		if length >= shortest {
			t.stamps = append(t.stamps, stamp{at, min(length, longest)})
		}
	}
	t.last.Store(time.Now().UnixMicro() % 1e12) // no run repeats what another one sent
	return nil
}

// stamp writes the next serial number into a copy of the request.
func (t *target) stamp(request []byte) {
	number := fmt.Appendf(nil, "%0*d", longest, t.last.Add(1)%1e12)
	for _, one := range t.stamps {
		copy(request[one.at:], number[longest-one.length:])
	}
}

// connection asks a target, one request at a time.
type connection struct {
	target  *target
	request []byte
	wire    *tls.Conn
	reader  *bufio.Reader
	dialled int
}

func (t *target) connection() *connection {
	return &connection{target: t, request: bytes.Clone(t.request)}
}

// ask sends one request and reads its answer. A connection that failed, or that the server closes, is opened anew next time.
func (c *connection) ask() (err error) {
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if c.wire == nil {
		if c.wire, err = tls.Dial("tcp", c.target.address, c.target.config); err != nil {
			return err
		}
		c.reader = bufio.NewReaderSize(c.wire, 64<<10)
		c.dialled++
	}
	c.target.stamp(c.request)
	if _, err := c.wire.Write(c.request); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	text := io.Discard
	var said bytes.Buffer
	if answer.StatusCode != c.target.expected {
		text = &said
	}
	if _, err := io.Copy(text, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != c.target.expected {
		return fmt.Errorf("%s: %.300s", answer.Status, said.String())
	}
	if answer.Close {
		c.close()
	}
	return nil
}

func (c *connection) close() {
	if c.wire != nil {
		_ = c.wire.Close()
		c.wire = nil
	}
}
