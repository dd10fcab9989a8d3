// The unmodified Nacos client in Go behind a few HTTP paths, so that a test can tell it what to do and ask what it has seen.
// Arguments: its own HTTP port, the address of the server, a folder for its files.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

func main() {
	host, port, _ := net.SplitHostPort(os.Args[2])
	number, _ := strconv.ParseUint(port, 10, 64)
	param := vo.NacosClientParam{
		ServerConfigs: []constant.ServerConfig{*constant.NewServerConfig(host, number)},
		ClientConfig:  constant.NewClientConfig(constant.WithNotLoadCacheAtStart(true), constant.WithLogDir(os.Args[3]), constant.WithCacheDir(os.Args[3]), constant.WithLogLevel("error")),
	}
	naming, err := clients.NewNamingClient(param)
	if err != nil {
		panic(err)
	}
	config, err := clients.NewConfigClient(param)
	if err != nil {
		panic(err)
	}
	var mutex sync.Mutex
	seen := map[string][]string{}
	heard := map[string][]string{}

	on := func(path string, run func(q func(string) string) (string, error)) {
		http.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			text, err := run(func(name string) string { return r.URL.Query().Get(name) })
			if err != nil {
				w.WriteHeader(500)
				text = err.Error()
			}
			fmt.Fprint(w, text)
		})
	}
	on("/ready", func(func(string) string) (string, error) { return "UP", nil })
	on("/register", func(q func(string) string) (string, error) {
		port, _ := strconv.ParseUint(q("port"), 10, 64)
		_, err := naming.RegisterInstance(vo.RegisterInstanceParam{Ip: "10.0.0.2", Port: port, ServiceName: q("service"), Weight: 1, Enable: true, Healthy: true, Ephemeral: true})
		return "ok", err
	})
	on("/deregister", func(q func(string) string) (string, error) {
		port, _ := strconv.ParseUint(q("port"), 10, 64)
		_, err := naming.DeregisterInstance(vo.DeregisterInstanceParam{Ip: "10.0.0.2", Port: port, ServiceName: q("service"), Ephemeral: true})
		return "ok", err
	})
	on("/subscribe", func(q func(string) string) (string, error) {
		service := q("service")
		return "ok", naming.Subscribe(&vo.SubscribeParam{ServiceName: service, SubscribeCallback: func(instances []model.Instance, err error) {
			mutex.Lock()
			defer mutex.Unlock()
			seen[service] = lines(instances)
		}})
	})
	on("/seen", func(q func(string) string) (string, error) {
		mutex.Lock()
		defer mutex.Unlock()
		return strings.Join(seen[q("service")], "\n"), nil
	})
	on("/publish", func(q func(string) string) (string, error) {
		done, err := config.PublishConfig(vo.ConfigParam{DataId: q("id"), Group: "DEFAULT_GROUP", Content: q("content")})
		return fmt.Sprint(done), err
	})
	on("/get", func(q func(string) string) (string, error) {
		return config.GetConfig(vo.ConfigParam{DataId: q("id"), Group: "DEFAULT_GROUP"})
	})
	on("/listen", func(q func(string) string) (string, error) {
		id := q("id")
		return "ok", config.ListenConfig(vo.ConfigParam{DataId: id, Group: "DEFAULT_GROUP", OnChange: func(_, _, _, data string) {
			mutex.Lock()
			defer mutex.Unlock()
			heard[id] = append(heard[id], data)
		}})
	})
	on("/heard", func(q func(string) string) (string, error) {
		mutex.Lock()
		defer mutex.Unlock()
		return strings.Join(heard[q("id")], "\n"), nil
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}

func lines(instances []model.Instance) []string {
	all := []string{}
	for _, each := range instances {
		health := "unhealthy"
		if each.Healthy {
			health = "healthy"
		}
		all = append(all, fmt.Sprintf("%s:%d %s", each.Ip, each.Port, health))
	}
	sort.Strings(all)
	return all
}
