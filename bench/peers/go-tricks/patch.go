package main

import (
	"strconv"
	"strings"
)

// variables are the entries as they stand in a patch, with their names.
var variables = [][2]string{
	{"POD_NAME", fromField("metadata.name")},
	{"POD_NAMESPACE", fromField("metadata.namespace")},
	{"POD_IP", fromField("status.podIP")},
	{"NODE_NAME", fromField("spec.nodeName")},
	{"SERVICE_ACCOUNT", fromField("spec.serviceAccountName")},
	{"CONTAINER_CPU_REQUEST_MILLICORES", fromResource("requests.cpu", "1m")},
	{"CONTAINER_MEMORY_LIMIT_KIBIBYTES", fromResource("limits.memory", "1Ki")},
}

// files is a volume's list of items, in which CONTAINER stands for the container's name.
const files = `{"path":"podName","fieldRef":{"fieldPath":"metadata.name"}},` +
	`{"path":"podNamespace","fieldRef":{"fieldPath":"metadata.namespace"}},` +
	`{"path":"podUid","fieldRef":{"fieldPath":"metadata.uid"}},` +
	`{"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}},` +
	`{"path":"annotations","fieldRef":{"fieldPath":"metadata.annotations"}},` +
	`{"path":"containerCpuRequestMilliCores","resourceFieldRef":` +
	`{"containerName":"CONTAINER","resource":"requests.cpu","divisor":"1m"}},` +
	`{"path":"containerMemoryLimitBytes","resourceFieldRef":` +
	`{"containerName":"CONTAINER","resource":"limits.memory","divisor":"1"}}`

func fromField(path string) string { return `{"fieldRef":{"fieldPath":"` + path + `"}}` }

func fromResource(reference, divisor string) string {
	return `{"resourceFieldRef":{"resource":"` + reference + `","divisor":"` + divisor + `"}}`
}

// patch is the JSON Patch of a pod, written as text: no name of a container or variable needs escaping.
func patch(pod *pod) []byte {
	var made []byte
	first := len(pod.Spec.Volumes) == 0
	var volumes []byte
	for kind, containers := range [][]container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for index := range containers {
			path := "/spec/" + [...]string{"initContainers", "containers"}[kind] + "/" + strconv.Itoa(index)
			container := &containers[index]
			made = env(made, path, container)
			mount := `{"name":"podmeta-downward-` + container.Name + `","mountPath":"/etc/downward","readOnly":true}`
			made = appended(made, path+"/volumeMounts", mount, len(container.VolumeMounts) == 0)
			items := strings.ReplaceAll(files, "CONTAINER", container.Name)
			volume := `{"name":"podmeta-downward-` + container.Name + `","downwardAPI":{"items":[` + items + `]}}`
			volumes = appended(volumes, "/spec/volumes", volume, first)
			first = false
		}
	}
	made = append(made, volumes...)
	if len(made) == 0 {
		return []byte("[]")
	}
	made[0] = '['
	return append(made, ']')
}

func env(made []byte, path string, container *container) []byte {
	own := make(map[string]bool, len(container.Env))
	for _, entry := range container.Env {
		own[entry.Name] = true
	}
	var entries []string
	for _, variable := range variables {
		if !own[variable[0]] {
			entries = append(entries, `{"name":"`+variable[0]+`","valueFrom":`+variable[1]+`}`)
		}
	}
	if len(container.Env) == 0 {
		return operation(made, path+"/env", "["+strings.Join(entries, ",")+"]")
	}
	for index, entry := range entries {
		made = operation(made, path+"/env/"+strconv.Itoa(index), entry)
	}
	return made
}

func appended(made []byte, path, item string, first bool) []byte {
	if first {
		return operation(made, path, "["+item+"]")
	}
	return operation(made, path+"/-", item)
}

func operation(made []byte, path, value string) []byte {
	made = append(append(made, `,{"op":"add","path":"`...), path...)
	made = append(append(made, `","value":`...), value...)
	return append(made, '}')
}
