package engine_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

func TestPluginVersions(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.plugins()
	upload := func(module string, activate bool) (engine.PluginVersion, bool, error) {
		return s.UploadPlugin(t.Context(), admin, engine.PluginUpload{AccountID: "acme", Module: []byte(module), Activate: activate})
	}
	active := func() string {
		t.Helper()
		list, err := s.ListPlugins(t.Context(), super)
		if err != nil {
			t.Fatal(err)
		}
		found := ""
		for _, v := range list {
			if v.Active {
				found += v.Version
			}
		}
		return found
	}
	v, created, err := upload("1", false)
	if err != nil || !created || !v.Active || v.Module != nil || active() != "1" {
		t.Fatalf("first upload = %+v, %v, %v, want it active", v, created, err)
	}
	if v, created, err = upload("1", false); err != nil || created || !v.Active {
		t.Errorf("the same bytes = %+v, %v, %v, want no change", v, created, err)
	}
	_, _, err = upload("1!", false)
	hasCode(t, "other bytes", err, engine.CodeConflict)
	if v, created, err = upload("2", false); err != nil || !created || v.Active || active() != "1" {
		t.Errorf("second upload = %+v, %v, %v, want it inactive", v, created, err)
	}
	if v, created, err = upload("2", true); err != nil || created || !v.Active || active() != "2" {
		t.Errorf("the same bytes with activate = %+v, %v, %v, want it active", v, created, err)
	}
	if _, _, err = upload("3", true); err != nil || active() != "3" {
		t.Errorf("third upload with activate: %v, active %q, want 3", err, active())
	}
	// What the gate let pass once it may refuse today: then what works stays.
	o.gate.prepare = func(v engine.PluginVersion) error {
		return engine.Errorf(engine.CodePluginFailed, "version %s does not start", v.Version)
	}
	hasCode(t, "activating what does not start", s.ActivatePlugin(t.Context(), super, "acme", "topics", "1"), engine.CodePluginFailed)
	_, _, err = upload("2", true)
	hasCode(t, "the same by an upload", err, engine.CodePluginFailed)
	_, _, err = upload("4", false)
	hasCode(t, "an upload that does not start", err, engine.CodePluginFailed)
	if active() != "3" {
		t.Errorf("active = %q after refusals, want 3 still", active())
	}
	o.gate.prepare = nil
	if before := o.gate.resumed; before != "acme/topics@2" {
		t.Errorf("resumed %q, want what was activated last, acme/topics@2", before)
	}
	hasCode(t, "activating what is not there", s.ActivatePlugin(t.Context(), super, "acme", "topics", "9"), engine.CodeNotFound)
	hasCode(t, "another account's", s.ActivatePlugin(t.Context(), super, "other", "topics", "1"), engine.CodeNotFound)

	for _, r := range []engine.Rule{
		{AccountID: "acme", ID: "by-name", Name: "n", Plugin: "topics", Target: "gpt-5"},
		{AccountID: "acme", ID: "by-version", Name: "v", Plugin: "topics@1", Target: "gpt-5"},
	} {
		r.CreatedAt, r.UpdatedAt, r.OnFailure = o.now, o.now, engine.FailureSkip
		if err := o.CreateRule(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	hasCode(t, "deleting the active version of a name in use", s.DeletePlugin(t.Context(), super, "acme", "topics", "3"), engine.CodeConflict)
	hasCode(t, "deleting a version in use", s.DeletePlugin(t.Context(), super, "acme", "topics", "1"), engine.CodeConflict)
	hasCode(t, "deleting a version that nobody uses", s.DeletePlugin(t.Context(), super, "acme", "topics", "2"), "")
	hasCode(t, "deleting it again", s.DeletePlugin(t.Context(), super, "acme", "topics", "2"), engine.CodeNotFound)
}

// A provider plugin stays while a provider names it, unless the binary has one of its name.
func TestDeletePluginOfProvider(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.plugins()
	put := func(account, version string) {
		t.Helper()
		_, _, err := s.UploadPlugin(t.Context(), super, engine.PluginUpload{AccountID: account, Module: []byte("provider lab/" + version), Activate: true})
		hasCode(t, "upload", err, "")
	}
	for _, v := range []string{"1", "2", "3"} {
		put("", v)
	}
	put("acme", "1")
	for _, p := range []engine.Provider{
		{ID: "lab", Adapter: "lab"}, {AccountID: "other", ID: "old-lab", Adapter: "lab@1"},
	} {
		p.Name, p.Enabled, p.CreatedAt, p.UpdatedAt = p.ID, true, o.now, o.now
		if err := o.PutProvider(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	del := func(account, version string) error {
		return s.DeletePlugin(t.Context(), super, account, "lab", version)
	}
	hasCode(t, "deleting the active version of an adapter", del("", "3"), engine.CodeConflict)
	hasCode(t, "deleting a version that is an adapter", del("", "1"), engine.CodeConflict)
	hasCode(t, "deleting a version that no provider uses", del("", "2"), "")
	hasCode(t, "deleting an account's that no provider of its uses", del("acme", "1"), "")
	o.gate.builtIn = "lab"
	hasCode(t, "deleting one by number, beside a built-in of its name", del("", "1"), engine.CodeConflict)
	hasCode(t, "deleting the active one, which a built-in follows", del("", "3"), "")
}

func TestUploadPluginToNoAccount(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	upload := engine.PluginUpload{AccountID: "acmee", Module: []byte("1")}
	_, _, err := o.plugins().UploadPlugin(t.Context(), super, upload)
	hasCode(t, "an upload to an account that is not there", err, engine.CodeNotFound)
	if list, err := o.ListPlugins(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("ListPlugins() after it = %v, %v, want none", list, err)
	}
}

// Who may do what: an account's admin manages its own rules, the rest is the super admin's,
// and another account's plugins are as if they were not there.
func TestPluginRights(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.plugins()
	rival := engine.Principal{AccountID: "rival", Role: engine.RoleAccountAdmin}
	put := func(p engine.Principal, account, module string) error {
		_, _, err := s.UploadPlugin(t.Context(), p, engine.PluginUpload{AccountID: account, Module: []byte(module)})
		return err
	}
	for _, u := range [][2]string{{"acme", "1"}, {"acme", "2"}, {"", "1"}, {"", "2"}, {"acme", "provider lab/1"}, {"acme", "provider lab/2"}} {
		hasCode(t, "an upload by the super admin", put(super, u[0], u[1]), "")
	}
	for _, v := range []struct {
		name            string
		p               engine.Principal
		account, plugin string
		upload, want    engine.Code // of an upload; of every other call
	}{
		{"an admin, its own", admin, "acme", "topics", "", ""},
		{"an admin, a global one", admin, "", "topics", engine.CodeForbidden, engine.CodeForbidden},
		{"an admin, its own provider plugin", admin, "acme", "lab", engine.CodeForbidden, engine.CodeForbidden},
		{"an admin, another account's", rival, "acme", "topics", engine.CodeForbidden, engine.CodeNotFound},
		{"a team lead", lead, "acme", "topics", engine.CodeForbidden, engine.CodeForbidden},
		{"a user", user, "acme", "topics", engine.CodeForbidden, engine.CodeForbidden},
		{"nobody", engine.Principal{}, "acme", "topics", engine.CodeForbidden, engine.CodeForbidden},
	} {
		module := v.plugin + "/3"
		if v.plugin == "lab" {
			module = "provider " + module
		}
		hasCode(t, v.name+": upload", put(v.p, v.account, module), v.upload)
		hasCode(t, v.name+": activate", s.ActivatePlugin(t.Context(), v.p, v.account, v.plugin, "2"), v.want)
		if v.want == "" || v.plugin == "lab" {
			hasCode(t, "activate", s.ActivatePlugin(t.Context(), super, v.account, v.plugin, "2"), "")
		}
		_, err := s.RollbackPlugin(t.Context(), v.p, v.account, v.plugin)
		hasCode(t, v.name+": rollback", err, v.want)
		hasCode(t, v.name+": delete", s.DeletePlugin(t.Context(), v.p, v.account, v.plugin, "2"), v.want)
		if v.plugin == "lab" {
			continue // the runtime of this test knows topics only
		}
		_, err = s.PluginStats(t.Context(), v.p, v.account, v.plugin, "1")
		hasCode(t, v.name+": stats", err, v.want)
		_, _, err = s.PluginLogs(t.Context(), v.p, v.account, v.plugin, "1")
		hasCode(t, v.name+": logs", err, v.want)
	}
	_, err := s.PluginStats(t.Context(), super, "other", "topics", "1")
	hasCode(t, "stats of what is not offered", err, engine.CodeNotFound)
	for p, want := range map[*engine.Principal][]string{
		&rival: {"/topics@1", "/topics@2"},
		&admin: {"/topics@1", "/topics@2", "acme/lab@1", "acme/lab@2", "acme/topics@1", "acme/topics@3"},
	} {
		list, err := s.ListPlugins(t.Context(), *p)
		var got []string
		for _, v := range list {
			got = append(got, v.AccountID+"/"+v.Name+"@"+v.Version)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("ListPlugins(%s) = %q, %v, want %q", p.AccountID, got, err, want)
		}
	}
}

func TestPluginRollback(t *testing.T) {
	t.Parallel()
	o := newOffice(t) // whose clock stands still: versions are in order all the same
	s := o.plugins()
	_, err := s.RollbackPlugin(t.Context(), admin, "acme", "topics")
	hasCode(t, "a rollback of nothing", err, engine.CodeNotFound)
	for _, version := range []string{"10", "9", "8"} {
		if _, _, err := s.UploadPlugin(t.Context(), admin, engine.PluginUpload{AccountID: "acme", Module: []byte(version), Activate: true}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"9", "10"} {
		v, err := s.RollbackPlugin(t.Context(), admin, "acme", "topics")
		if err != nil || v.Version != want || !v.Active {
			t.Errorf("RollbackPlugin() = %q, active %v, %v, want %q", v.Version, v.Active, err, want)
		}
	}
	_, err = s.RollbackPlugin(t.Context(), admin, "acme", "topics")
	hasCode(t, "a rollback of the oldest", err, engine.CodeConflict)
	hasCode(t, "deleting the active one", s.DeletePlugin(t.Context(), admin, "acme", "topics", "10"), "")
	_, err = s.RollbackPlugin(t.Context(), admin, "acme", "topics")
	hasCode(t, "a rollback without an active version", err, engine.CodeConflict)
	// A version that no longer passes the gate is not gone back to.
	hasCode(t, "activate", s.ActivatePlugin(t.Context(), admin, "acme", "topics", "8"), "")
	o.gate.prepare = func(v engine.PluginVersion) error { return engine.Errorf(engine.CodeInvalid, "no") }
	_, err = s.RollbackPlugin(t.Context(), admin, "acme", "topics")
	hasCode(t, "a rollback to what the gate refuses", err, engine.CodeInvalid)
}

func TestPluginCaps(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.plugins()
	put := func(account, module string) error {
		_, _, err := s.UploadPlugin(t.Context(), super, engine.PluginUpload{AccountID: account, Module: []byte(module)})
		return err
	}
	for i := range engine.MaxPluginNames {
		hasCode(t, "a name", put("acme", fmt.Sprintf("n%d/1", i)), "")
	}
	hasCode(t, "one name too many", put("acme", "more/1"), engine.CodeConflict)
	for i := engine.MaxPluginNames; i < engine.MaxPluginVersions; i++ {
		hasCode(t, "a version", put("acme", fmt.Sprintf("n0/%d", i)), "")
	}
	hasCode(t, "one version too many", put("acme", "n0/0"), engine.CodeConflict)
	hasCode(t, "the same bytes again", put("acme", "n1/1"), "")
	hasCode(t, "another account's", put("other", "n1/1"), "")
	hasCode(t, "a global one", put("", "n1/1"), "")
}

// One account's uploads do not take every place in the gate.
func TestPluginUploadsOfOneAccount(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.plugins()
	in, out := make(chan struct{}), make(chan struct{})
	o.gate.prepare = func(v engine.PluginVersion) error {
		if v.AccountID == "acme" {
			in <- struct{}{}
			<-out
		}
		return nil
	}
	put := func(account, module string) error {
		_, _, err := s.UploadPlugin(t.Context(), super, engine.PluginUpload{AccountID: account, Module: []byte(module)})
		return err
	}
	ended := make(chan error)
	for _, version := range []string{"1", "2"} {
		go func() { ended <- put("acme", version) }()
		<-in
	}
	hasCode(t, "a third upload at once", put("acme", "3"), engine.CodeRateLimited)
	hasCode(t, "another account's", put("other", "3"), "")
	close(out)
	for range 2 {
		if err := <-ended; err != nil {
			t.Errorf("an upload that waited = %v, want nil", err)
		}
	}
	go func() { <-in }()
	hasCode(t, "an upload after them", put("acme", "3"), "")
}
