package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

type client struct{ url, org, key, secret string }

type object = map[string]any

type failure struct {
	status int
	text   string
}

func (f failure) Error() string { return f.text }

func (p *pipe) call(method, service, tail string, body any) (object, error) {
	url := fmt.Sprintf("%s/organizations/%s/services/%s/clickpipes/%s", p.c.url, p.c.org, service, tail)
	var last error
	for attempt := 0; attempt < 4; attempt++ {
		var raw io.Reader
		if body != nil {
			var b bytes.Buffer
			if err := json.NewEncoder(&b).Encode(body); err != nil {
				return nil, err
			}
			raw = &b
		}
		q, _ := http.NewRequest(method, url, raw)
		if body != nil {
			q.Header.Set("Content-Type", "application/json; charset=utf-8")
		}
		q.Header.Set("User-Agent", "terraform-provider-clickhouse/3.25.3 Commit/stand-in")
		q.SetBasicAuth(p.c.key, p.c.secret)
		reply, err := http.DefaultClient.Do(q)
		if err != nil {
			last = err
			time.Sleep(time.Duration(attempt+1) * time.Second)
			continue
		}
		text, _ := io.ReadAll(reply.Body)
		reply.Body.Close()
		if reply.StatusCode != 200 {
			last = failure{reply.StatusCode, fmt.Sprintf("status: %d, body: %s", reply.StatusCode, text)}
			if reply.StatusCode == 429 || reply.StatusCode >= 500 {
				time.Sleep(time.Duration(attempt+1) * time.Second)
				continue
			}
			return nil, last
		}
		var answer struct {
			Result json.RawMessage `json:"result"`
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			return nil, err
		}
		o := object{}
		if len(answer.Result) > 0 {
			err = json.Unmarshal(answer.Result, &o)
		}
		return o, err
	}
	return nil, last
}

func (p *pipe) wait(m *model) error {
	for end, pause := time.Now().Add(110*time.Second), 500*time.Millisecond; ; pause = min(pause*3/2, 24*time.Second) {
		o, err := p.call("GET", m.ServiceID.ValueString(), m.ID.ValueString(), nil)
		if err == nil {
			s := o["state"].(string)
			if m.Stopped.ValueBool() && s == "Stopped" || !m.Stopped.ValueBool() && (s == "Running" || s == "Failed") {
				return nil
			}
		}
		if time.Now().Add(pause).After(end) {
			return fmt.Errorf("ClickPipe didn't reach the desired state")
		}
		time.Sleep(pause)
	}
}
