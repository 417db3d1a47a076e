// go-controller-runtime is the webhook as controller-runtime's own examples have it: the typed Pod is decoded, changed, and
// marshalled, and PatchResponseFromRaw finds what changed.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager/signals"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"podmeta.test/bench/peers/internal/downward"
)

type injector struct{ decoder admission.Decoder }

func (i injector) Handle(_ context.Context, request admission.Request) admission.Response {
	pod := &corev1.Pod{}
	if err := i.decoder.Decode(request, pod); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	if !downward.Asked(pod) {
		return admission.Allowed("not asked")
	}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for index := range containers {
			container := &containers[index]
			container.Env = append(downward.Missing(container), container.Env...)
			container.VolumeMounts = append(container.VolumeMounts, downward.Mount(container.Name))
			pod.Spec.Volumes = append(pod.Spec.Volumes, downward.Volume(container.Name))
		}
	}
	changed, err := json.Marshal(pod)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(request.Object.Raw, changed)
}

func main() {
	host := flag.String("host", "127.0.0.1", "where to listen")
	port := flag.Int("port", webhook.DefaultPort, "where to listen")
	certificate := flag.String("tls-cert-file", "", "serving certificate")
	key := flag.String("tls-key-file", "", "its private key, in the same directory")
	flag.Parse()
	logf.SetLogger(zap.New(zap.UseDevMode(false)))

	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		logf.Log.Error(err, "scheme")
		os.Exit(1)
	}
	server := webhook.NewServer(webhook.Options{
		Host:     *host,
		Port:     *port,
		CertDir:  filepath.Dir(*certificate),
		CertName: filepath.Base(*certificate),
		KeyName:  filepath.Base(*key),
	})
	server.Register("/mutate", &admission.Webhook{Handler: injector{admission.NewDecoder(scheme)}})
	if err := server.Start(signals.SetupSignalHandler()); err != nil {
		logf.Log.Error(err, "serve")
		os.Exit(1)
	}
}
