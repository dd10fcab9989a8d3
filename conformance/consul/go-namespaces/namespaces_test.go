// Namespaces with Consul's own client for Go: what its `Namespace` options and `Namespaces()` expect of a server. The
// address of the server is in CONSUL_HTTP_ADDR.
package namespaces

import (
	"testing"

	"github.com/hashicorp/consul/api"
)

func client(t *testing.T, namespace string) *api.Client {
	t.Helper()
	config := api.DefaultConfig()
	config.Namespace = namespace
	c, err := api.NewClient(config)
	must(t, err)
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestNamespaces(t *testing.T) {
	c := client(t, "")
	spaces := c.Namespaces()
	made, _, err := spaces.Create(&api.Namespace{Name: "team-a", Description: "A", Meta: map[string]string{"k": "v"}}, nil)
	must(t, err)
	if made.Name != "team-a" || made.Meta["k"] != "v" || made.CreateIndex == 0 {
		t.Fatalf("created %+v", made)
	}
	_, _, err = spaces.Update(&api.Namespace{Name: "team-a", Description: "changed"}, nil)
	must(t, err)
	read, meta, err := spaces.Read("team-a", nil)
	must(t, err)
	if read.Description != "changed" || meta.LastIndex == 0 {
		t.Fatalf("read %+v %+v", read, meta)
	}
	none, _, err := spaces.Read("none", nil)
	must(t, err)
	if none != nil {
		t.Fatalf("read %+v", none)
	}
	list, _, err := spaces.List(nil)
	must(t, err)
	if len(list) != 2 || list[0].Name != "default" || list[1].Name != "team-a" {
		t.Fatalf("list %+v", list)
	}

	inTeam := client(t, "team-a")
	must(t, inTeam.Agent().ServiceRegister(&api.AgentServiceRegistration{Name: "web", Port: 80}))
	must(t, c.Agent().ServiceRegister(&api.AgentServiceRegistration{Name: "api", Port: 81, Namespace: "team-a"}))
	query := &api.QueryOptions{Namespace: "team-a"}
	for _, name := range []string{"web", "api"} {
		entries, _, err := c.Health().Service(name, "", false, query)
		must(t, err)
		if len(entries) != 1 || entries[0].Service.Namespace != "team-a" {
			t.Fatalf("%s in team-a: %+v", name, entries)
		}
		elsewhere, _, err := c.Health().Service(name, "", false, nil)
		must(t, err)
		if len(elsewhere) != 0 {
			t.Fatalf("%s in default: %+v", name, elsewhere)
		}
	}
	filtered, err := inTeam.Agent().ServicesWithFilter(`Namespace == "team-a"`)
	must(t, err)
	if len(filtered) != 2 || filtered["web"].Namespace != "team-a" {
		t.Fatalf("services %+v", filtered)
	}

	_, err = c.KV().Put(&api.KVPair{Key: "key", Value: []byte("a")}, &api.WriteOptions{Namespace: "team-a"})
	must(t, err)
	pair, _, err := inTeam.KV().Get("key", nil)
	must(t, err)
	if pair == nil || string(pair.Value) != "a" || pair.Namespace != "team-a" {
		t.Fatalf("key %+v", pair)
	}
	if pair, _, err := c.KV().Get("key", nil); err != nil || pair != nil {
		t.Fatalf("key in default: %+v %v", pair, err)
	}

	lock, err := inTeam.LockOpts(&api.LockOptions{Key: "lock"})
	must(t, err)
	held, err := lock.Lock(nil)
	must(t, err)
	if held == nil {
		t.Fatal("no lock")
	}
	sessions, _, err := c.Session().List(query)
	must(t, err)
	if len(sessions) != 1 || sessions[0].Namespace != "team-a" {
		t.Fatalf("sessions %+v", sessions)
	}
	must(t, lock.Unlock())

	ok, answer, _, err := c.Txn().Txn(api.TxnOps{
		{KV: &api.KVTxnOp{Verb: api.KVSet, Key: "t", Value: []byte("1"), Namespace: "team-a"}},
		{KV: &api.KVTxnOp{Verb: api.KVSet, Key: "t", Value: []byte("2")}},
	}, nil)
	must(t, err)
	if !ok || len(answer.Results) != 2 || answer.Results[0].KV.Namespace != "team-a" || answer.Results[1].KV.Namespace != "" {
		t.Fatalf("transaction %+v", answer)
	}

	_, err = spaces.Delete("team-a", nil)
	must(t, err)
	if gone, _, err := spaces.Read("team-a", nil); err != nil || (gone != nil && gone.DeletedAt == nil) {
		t.Fatalf("after the deletion: %+v %v", gone, err)
	}
	if _, err := c.KV().Put(&api.KVPair{Key: "key"}, &api.WriteOptions{Namespace: "team-a"}); err == nil {
		t.Fatal("a write into a namespace that is gone must fail")
	}
}
