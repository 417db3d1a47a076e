// go-http is the webhook that most people write by hand in Go: net/http, the types of k8s.io/api, encoding/json, and JSON
// Patch operations put together by hand. Others decode with apimachinery's UniversalDeserializer, which costs nearly twice
// as much: this is the lighter of the two usual ways.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podmeta.test/bench/peers/internal/downward"
)

const bodyLimit = 7 << 20

type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

func main() {
	address := flag.String("address", "127.0.0.1:8443", "where to listen")
	certificate := flag.String("tls-cert-file", "", "serving certificate")
	key := flag.String("tls-key-file", "", "its private key")
	logged := flag.Bool("log", false, "one JSON line a review")
	flag.Parse()

	logger := slog.New(slog.DiscardHandler)
	if *logged {
		logger = slog.New(slog.NewJSONHandler(os.Stdout, nil))
	}
	mux := http.NewServeMux()
	mux.Handle("POST /mutate", webhook{logger})
	server := &http.Server{Addr: *address, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServeTLS(*certificate, *key))
}

type webhook struct{ logger *slog.Logger }

func (w webhook) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	began := time.Now()
	body, err := io.ReadAll(http.MaxBytesReader(writer, request.Body, bodyLimit))
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(body, &review); err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	if review.Request == nil {
		http.Error(writer, "the review has no request", http.StatusBadRequest)
		return
	}
	response := mutate(review.Request)
	response.UID = review.Request.UID
	answer, err := json.Marshal(admissionv1.AdmissionReview{TypeMeta: review.TypeMeta, Response: response})
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	writer.Header().Set("Content-Type", "application/json")
	if _, err := writer.Write(answer); err != nil {
		w.logger.Error("answer", "error", err)
	}
	w.logger.Info("review", "uid", response.UID, "namespace", review.Request.Namespace, "name", review.Request.Name,
		"operation", review.Request.Operation, "patched", response.Patch != nil, "seconds", time.Since(began).Seconds())
}

func mutate(request *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	var pod corev1.Pod
	if err := json.Unmarshal(request.Object.Raw, &pod); err != nil {
		return &admissionv1.AdmissionResponse{Result: &metav1.Status{Message: err.Error()}}
	}
	if !downward.Asked(&pod) {
		return &admissionv1.AdmissionResponse{Allowed: true}
	}
	patch, err := json.Marshal(operations(&pod))
	if err != nil {
		return &admissionv1.AdmissionResponse{Result: &metav1.Status{Message: err.Error()}}
	}
	kind := admissionv1.PatchTypeJSONPatch
	return &admissionv1.AdmissionResponse{Allowed: true, Patch: patch, PatchType: &kind}
}

func operations(pod *corev1.Pod) []operation {
	var found []operation
	var volumes []corev1.Volume
	for _, list := range []struct {
		path       string
		containers []corev1.Container
	}{{"/spec/initContainers", pod.Spec.InitContainers}, {"/spec/containers", pod.Spec.Containers}} {
		for index := range list.containers {
			container := &list.containers[index]
			path := fmt.Sprintf("%s/%d", list.path, index)
			found = append(found, env(path, container)...)
			mount := downward.Mount(container.Name)
			found = append(found, appended(path+"/volumeMounts", mount, len(container.VolumeMounts) == 0))
			volumes = append(volumes, downward.Volume(container.Name))
		}
	}
	for index, volume := range volumes {
		found = append(found, appended("/spec/volumes", volume, index == 0 && len(pod.Spec.Volumes) == 0))
	}
	return found
}

func env(path string, container *corev1.Container) []operation {
	missing := downward.Missing(container)
	if len(container.Env) == 0 {
		return []operation{{"add", path + "/env", missing}}
	}
	found := make([]operation, len(missing))
	for index, variable := range missing {
		found[index] = operation{"add", fmt.Sprintf("%s/env/%d", path, index), variable}
	}
	return found
}

// appended adds an item to a list; where there is no list yet, it makes one.
func appended[T any](path string, item T, first bool) operation {
	if first {
		return operation{"add", path, []T{item}}
	}
	return operation{"add", path + "/-", item}
}
