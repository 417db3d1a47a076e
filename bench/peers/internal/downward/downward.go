// Package downward is what the typed Go peers inject, in the words of k8s.io/api: podmeta's standard variables and files.
//
// Rule: the same env entries, volumes and mounts as podmeta's; its annotation podmeta/status is podmeta's own affair.
package downward

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

const (
	// Annotation asks for the injection.
	Annotation = "podmeta/inject"
	mountPath  = "/etc/downward"
	prefix     = "podmeta-downward-"
)

// Asked tells whether the pod wants to be injected.
func Asked(pod *corev1.Pod) bool { return pod.Annotations[Annotation] == "true" }

// Missing returns the variables that the container does not define itself, in the order in which they are put first.
func Missing(container *corev1.Container) []corev1.EnvVar {
	own := make(map[string]bool, len(container.Env))
	for _, entry := range container.Env {
		own[entry.Name] = true
	}
	missing := make([]corev1.EnvVar, 0, len(variables))
	for _, variable := range variables {
		if !own[variable.Name] {
			missing = append(missing, variable)
		}
	}
	return missing
}

// Mount returns the mount of the container's own volume.
func Mount(container string) corev1.VolumeMount {
	return corev1.VolumeMount{Name: prefix + container, MountPath: mountPath, ReadOnly: true}
}

// Volume returns the files that describe one container.
func Volume(container string) corev1.Volume {
	items := []corev1.DownwardAPIVolumeFile{
		{Path: "podName", FieldRef: field("metadata.name")},
		{Path: "podNamespace", FieldRef: field("metadata.namespace")},
		{Path: "podUid", FieldRef: field("metadata.uid")},
		{Path: "labels", FieldRef: field("metadata.labels")},
		{Path: "annotations", FieldRef: field("metadata.annotations")},
		{Path: "containerCpuRequestMilliCores", ResourceFieldRef: resourceField(container, "requests.cpu", "1m")},
		{Path: "containerMemoryLimitBytes", ResourceFieldRef: resourceField(container, "limits.memory", "1")},
	}
	source := corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: items}}
	return corev1.Volume{Name: prefix + container, VolumeSource: source}
}

var variables = []corev1.EnvVar{
	fromField("POD_NAME", "metadata.name"),
	fromField("POD_NAMESPACE", "metadata.namespace"),
	fromField("POD_IP", "status.podIP"),
	fromField("NODE_NAME", "spec.nodeName"),
	fromField("SERVICE_ACCOUNT", "spec.serviceAccountName"),
	fromResource("CONTAINER_CPU_REQUEST_MILLICORES", "requests.cpu", "1m"),
	fromResource("CONTAINER_MEMORY_LIMIT_KIBIBYTES", "limits.memory", "1Ki"),
}

func fromField(name, path string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: field(path)}}
}

func fromResource(name, reference, divisor string) corev1.EnvVar {
	source := corev1.EnvVarSource{ResourceFieldRef: resourceField("", reference, divisor)}
	return corev1.EnvVar{Name: name, ValueFrom: &source}
}

func field(path string) *corev1.ObjectFieldSelector {
	return &corev1.ObjectFieldSelector{FieldPath: path}
}

func resourceField(container, reference, divisor string) *corev1.ResourceFieldSelector {
	return &corev1.ResourceFieldSelector{
		ContainerName: container,
		Resource:      reference,
		Divisor:       resource.MustParse(divisor),
	}
}
