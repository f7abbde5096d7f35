package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The tools of the tests of faults do what they say.
func TestFaults(t *testing.T) {
	t.Parallel()
	c := NewCluster(t)
	p, through := NewProxy(t, c.URL)
	lets := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		conn, err := pgx.Connect(ctx, through)
		if err == nil {
			_ = conn.Close(ctx)
		}
		return err == nil
	}
	asks := func(conn *pgx.Conn) error {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		return conn.Ping(ctx)
	}
	mustConnect := func() *pgx.Conn {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), through)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		return conn
	}
	listener, other := mustConnect(), mustConnect()
	if _, err := listener.Exec(t.Context(), "listen here"); err != nil {
		t.Fatal(err)
	}
	if n := p.Open("listen here"); n != 1 {
		t.Errorf("Open(listen here) = %d, want 1", n)
	}
	p.Silence("A")
	if _, err := other.Exec(t.Context(), "notify here"); err != nil {
		t.Fatal(err)
	}
	quiet, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	if _, err := listener.WaitForNotification(quiet); err == nil {
		t.Error("a notification arrived that the proxy drops")
	}
	cancel()
	p.Silence("")
	p.Cut("listen here")
	if err := asks(listener); err == nil {
		t.Error("a connection that was cut answers")
	}
	if _, err := other.Exec(t.Context(), "select 1"); err != nil {
		t.Errorf("a connection that was not cut = %v, want nil", err)
	}
	p.Freeze("")
	if err := asks(other); err == nil {
		t.Error("a connection that is frozen answers")
	}
	p.Thaw()
	p.Refuse(true)
	before := len(p.Accepted())
	if lets() {
		t.Error("a server that refuses lets in")
	}
	if len(p.Accepted()) == before {
		t.Error("a connection that was refused is not counted")
	}
	p.Refuse(false)
	if _, err := mustConnect().Exec(t.Context(), "create table kept as select 1"); err != nil {
		t.Fatal(err)
	}
	c.Freeze(t)
	if lets() {
		t.Error("a frozen server lets in")
	}
	c.Thaw(t)
	c.Kill(t)
	if lets() {
		t.Error("a killed server lets in")
	}
	c.Start(t)
	if n := c.Count(t, "select count(*) from kept"); n != 1 {
		t.Errorf("after a kill the table has %d rows, want 1", n)
	}
}
