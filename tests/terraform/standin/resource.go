package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func put(o object, name string, v types.String) {
	if !v.IsNull() && !v.IsUnknown() {
		o[name] = v.ValueString()
	}
}

func credentialsOf(c *credentials) object {
	o := object{}
	if c == nil {
		return nil
	}
	for n, v := range map[string]types.String{"username": c.Username, "password": c.Password, "accessKeyId": c.AccessKeyID,
		"secretKey": c.SecretKey, "connectionString": c.ConnectionString, "certificate": c.Certificate, "privateKey": c.PrivateKey} {
		put(o, n, v)
	}
	return o
}

func settingsOf(d types.Dynamic) object {
	o := object{}
	if v, ok := d.UnderlyingValue().(types.Object); ok {
		for n, a := range v.Attributes() {
			switch x := a.(type) {
			case types.Bool:
				o[n] = x.ValueBool()
			case types.Number:
				o[n] = json.Number(x.ValueBigFloat().Text('f', -1))
			case types.String:
				o[n] = x.ValueString()
			default:
				o[n] = "<nil>"
			}
		}
	}
	return o
}

func scalingOf(s *scaling) object {
	o := object{}
	if s == nil {
		return o
	}
	if !s.Replicas.IsNull() && !s.Replicas.IsUnknown() {
		o["replicas"] = s.Replicas.ValueInt64()
	}
	if !s.CPU.IsNull() && !s.CPU.IsUnknown() {
		o["replicaCpuMillicores"] = s.CPU.ValueInt64()
	}
	if !s.Memory.IsNull() && !s.Memory.IsUnknown() {
		o["replicaMemoryGb"] = s.Memory.ValueFloat64()
	}
	return o
}

func (p *pipe) Create(ctx context.Context, q resource.CreateRequest, r *resource.CreateResponse) {
	var m model
	r.Diagnostics.Append(q.Plan.Get(ctx, &m)...)
	if r.Diagnostics.HasError() {
		return
	}
	k := m.Source.Kafka
	source := object{}
	for n, v := range map[string]types.String{"type": k.Type, "format": k.Format, "brokers": k.Brokers, "topics": k.Topics,
		"consumerGroup": k.ConsumerGroup, "authentication": k.Authentication, "iamRole": k.IamRole, "caCertificate": k.CaCertificate} {
		put(source, n, v)
	}
	if c := credentialsOf(k.Credentials); c != nil {
		source["credentials"] = c
	}
	if k.Offset != nil {
		f := object{"strategy": k.Offset.Strategy.ValueString()}
		put(f, "timestamp", k.Offset.Timestamp)
		source["offset"] = f
	}
	if !k.ExactlyOnce.IsNull() {
		source["exactlyOnce"] = k.ExactlyOnce.ValueBool()
	}
	d := m.Destination
	to := object{"database": d.Database.ValueString(), "table": d.Table.ValueString(), "managedTable": d.ManagedTable.ValueBool(), "columns": d.Columns}
	if t := d.TableDefinition; t != nil {
		e := object{"type": t.Engine.Type.ValueString()}
		put(e, "versionColumnId", t.Engine.VersionColumnID)
		if t.Engine.ColumnIDs != nil {
			e["columnIds"] = t.Engine.ColumnIDs
		}
		key := t.SortingKey
		if key == nil {
			key = []string{}
		}
		def := object{"engine": e, "sortingKey": key}
		put(def, "partitionBy", t.PartitionBy)
		put(def, "primaryKey", t.PrimaryKey)
		to["tableDefinition"] = def
	}
	if len(d.Roles) > 0 {
		to["roles"] = d.Roles
	}
	body := object{"name": m.Name.ValueString(), "source": object{"kafka": source}, "destination": to}
	if len(m.FieldMappings) > 0 {
		body["fieldMappings"] = m.FieldMappings
	}
	if s := settingsOf(m.Settings); len(s) > 0 {
		body["settings"] = s
	}
	made, err := p.call("POST", m.ServiceID.ValueString(), "", body)
	if err == nil {
		differing := object{}
		for n, v := range scalingOf(m.Scaling) {
			if fmt.Sprint(v) != fmt.Sprint(made["scaling"].(object)[n]) {
				differing[n] = v
			}
		}
		if len(differing) > 0 {
			made, err = p.call("PATCH", m.ServiceID.ValueString(), made["id"].(string)+"/scaling", differing)
		}
	}
	if err == nil {
		m.ID = text(made, "id")
		if late := p.wait(&m); late != nil {
			r.Diagnostics.AddWarning(late.Error(), "")
		}
		err = p.read(&m)
	}
	if err != nil {
		r.Diagnostics.AddError("Error creating ClickPipe", err.Error())
		return
	}
	r.Diagnostics.Append(r.State.Set(ctx, &m)...)
}

func (p *pipe) Read(ctx context.Context, q resource.ReadRequest, r *resource.ReadResponse) {
	var m model
	r.Diagnostics.Append(q.State.Get(ctx, &m)...)
	err := p.read(&m)
	if f, ok := err.(failure); ok && f.status == 404 {
		r.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		r.Diagnostics.AddError("Error reading ClickPipe", err.Error())
		return
	}
	r.Diagnostics.Append(r.State.Set(ctx, &m)...)
}

func same(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

func (p *pipe) Update(ctx context.Context, q resource.UpdateRequest, r *resource.UpdateResponse) {
	var old, m model
	r.Diagnostics.Append(q.State.Get(ctx, &old)...)
	r.Diagnostics.Append(q.Plan.Get(ctx, &m)...)
	if r.Diagnostics.HasError() {
		return
	}
	service, id, live := m.ServiceID.ValueString(), m.ID.ValueString(), old.State.ValueString()
	patch := object{}
	if !old.Name.Equal(m.Name) {
		patch["name"] = m.Name.ValueString()
	}
	a, b := old.Source.Kafka, m.Source.Kafka
	oldCreds, newCreds := credentialsOf(a.Credentials), credentialsOf(b.Credentials)
	if !same(oldCreds, newCreds) || !a.Authentication.Equal(b.Authentication) || !a.IamRole.Equal(b.IamRole) || !a.CaCertificate.Equal(b.CaCertificate) {
		k := object{"authentication": b.Authentication.ValueString()}
		if newCreds != nil && !same(oldCreds, newCreds) {
			k["credentials"] = newCreds
		}
		put(k, "iamRole", b.IamRole)
		put(k, "caCertificate", b.CaCertificate)
		patch["source"] = object{"kafka": k}
	}
	if !same(old.Destination.Columns, m.Destination.Columns) || !same(old.FieldMappings, m.FieldMappings) {
		patch["destination"] = object{"columns": m.Destination.Columns}
		if len(m.FieldMappings) > 0 {
			patch["fieldMappings"] = m.FieldMappings
		}
	}
	var err error
	if len(patch) > 0 {
		var shown object
		if shown, err = p.call("PATCH", service, id, patch); err == nil {
			live = shown["state"].(string)
		}
	}
	if err == nil && !same(settingsOf(old.Settings), settingsOf(m.Settings)) {
		_, err = p.call("PUT", service, id+"/settings", settingsOf(m.Settings))
	}
	idle := live == "Stopped" || live == "Stopping" || live == "Paused" || live == "Pausing"
	if err == nil && m.Stopped.ValueBool() && (len(patch) > 0 || !idle) {
		_, err = p.call("PATCH", service, id+"/state", object{"command": "stop"})
	} else if err == nil && !m.Stopped.ValueBool() && (idle || live == "Failed") {
		_, err = p.call("PATCH", service, id+"/state", object{"command": "start"})
	}
	wanted := scalingOf(m.Scaling)
	if err == nil && m.Scaling != nil && (len(wanted) < 3 || !same(wanted, scalingOf(old.Scaling))) {
		_, err = p.call("PATCH", service, id+"/scaling", wanted)
	}
	if err == nil {
		if late := p.wait(&m); late != nil {
			r.Diagnostics.AddWarning(late.Error(), "")
		}
		err = p.read(&m)
	}
	if err != nil {
		r.Diagnostics.AddError("Error updating ClickPipe", err.Error())
		return
	}
	r.Diagnostics.Append(r.State.Set(ctx, &m)...)
}

func (p *pipe) Delete(ctx context.Context, q resource.DeleteRequest, r *resource.DeleteResponse) {
	var m model
	r.Diagnostics.Append(q.State.Get(ctx, &m)...)
	if _, err := p.call("DELETE", m.ServiceID.ValueString(), m.ID.ValueString(), nil); err != nil {
		r.Diagnostics.AddError("Error deleting ClickPipe", err.Error())
	}
}

func (p *pipe) ImportState(ctx context.Context, q resource.ImportStateRequest, r *resource.ImportStateResponse) {
	service, id, ok := strings.Cut(q.ID, ":")
	if !ok {
		r.Diagnostics.AddError("wrong id", q.ID)
		return
	}
	m := model{ServiceID: types.StringValue(service), ID: types.StringValue(id), Settings: types.DynamicNull()}
	if err := p.read(&m); err != nil {
		r.Diagnostics.AddError("Error importing", err.Error())
		return
	}
	r.Diagnostics.Append(r.State.Set(ctx, &m)...)
}
